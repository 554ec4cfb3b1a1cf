-- What a value g, as often as n says, adds to the scores: whole numbers of 1e-15, so that
-- their sum is the same in whatever order.
if(is_iglu, 18::double, 18.01559::double) as unit,
ln(greatest(g, 1)) ** 1.084 - 5.381 as risk,
if(is_iglu, 22.77::double, 10 * 1.509::double ** 2) as scale,
round(1e15 * scale * risk ** 2)::hugeint * n as risk_score,
if(risk < 0, risk_score, 0) as low_risk,
if(risk > 0, risk_score, 0) as high_risk,
round(1e15 * if(g <= unit, 50, least(50, 425 * (log10(log10(greatest(g / unit, 1.000001))) + 0.16) ** 2)))::hugeint * n as grade,
round(1e15 * greatest(80 - g, 0) ** 2 / 30)::hugeint * n as hypo,
round(1e15 * greatest(g - 140, 0) ** 1.1::double / 30)::hugeint * n as hyper,
round(1e15 * 1000 * abs(log10(greatest(g, 1) / 90)) ** 3)::hugeint * n as m,
