-- internal.scope_values: how often each value occurs in every scope, and what follows from that alone.
--
-- Grain    one row per row of metric_scopes with a value
-- Source   scope_dates, glucose_days, metric_preset
-- Units    glucose mg/dL
-- Rules    quantiles of type 7 (linear between order statistics), from how many
--          values lie up to each. Scores of values are added up as whole numbers of
--          1e-15, so that the sum is the same in whatever order
-- Nulls    none
-- Columns
--   participant_id         study pseudonym from the roster
--   scope                  see metric_scopes
--   part                   see metric_scopes
--   n_low_sentinel         values of 39
--   n_high_sentinel        values of 401
--   min_mgdl               smallest value
--   max_mgdl               largest value
--   q05_mgdl              5 percent of the values lie below
--   q10_mgdl              10 percent of the values lie below
--   q25_mgdl              25 percent of the values lie below
--   q50_mgdl              50 percent of the values lie below
--   q75_mgdl              75 percent of the values lie below
--   q90_mgdl              90 percent of the values lie below
--   q95_mgdl              95 percent of the values lie below
--   away_mgdl              median of the distances from the median
--   n_tbr50                values < 50
--   n_tbr54                values < 54
--   n_tbr60                values < 60
--   n_tbr63                values < 63
--   n_tbr70                values < 70
--   n_tir                  values from 70 to 180
--   n_titr                 values from 70 to 140
--   n_tir63_140            values from 63 to 140
--   n_tir70_250            values from 70 to 250
--   n_tar120               values > 120
--   n_tar140               values > 140
--   n_tar180               values > 180
--   n_tar200               values > 200
--   n_tar250               values > 250
--   n_tar300               values > 300
--   n_tar350               values > 350
--   min_tbr50              minutes that they stand for
--   min_tbr54              minutes that they stand for
--   min_tbr60              minutes that they stand for
--   min_tbr63              minutes that they stand for
--   min_tbr70              minutes that they stand for
--   min_tir                minutes that they stand for
--   min_titr               minutes that they stand for
--   min_tir63_140          minutes that they stand for
--   min_tir70_250          minutes that they stand for
--   min_tar120             minutes that they stand for
--   min_tar140             minutes that they stand for
--   min_tar180             minutes that they stand for
--   min_tar200             minutes that they stand for
--   min_tar250             minutes that they stand for
--   min_tar300             minutes that they stand for
--   min_tar350             minutes that they stand for
--   low_risk               sum of the risks of lows, 1e-15
--   high_risk              sum of the risks of highs, 1e-15
--   grade_sum              sum of the values' GRADE, 1e-15
--   grade_hypo             of it, of hypoglycemia
--   grade_eu               of it, of euglycemia
--   grade_hyper            of it, of hyperglycemia
--   hypo_sum               sum of the values' hypo index, 1e-15
--   hyper_sum              sum of the values' hyper index, 1e-15
--   m_sum                  sum of the values' M-value, 1e-15
create or replace view internal.scope_values as
-- Of all steps ranked alone is read by several: where more are, DuckDB computes all
-- scopes of everybody, whoever asks for one.
with unfolded as (
    select
        s.participant_id, s.scope, s.part,
        d.cadence_min,
        unnest(d.glucose_mgdl) as glucose_mgdl,
        unnest(d.counts) as n,
    from main.glucose_days d
    join internal.scope_dates s on s.participant_id = d.participant_id and s.local_date is not distinct from d.local_date
    where d.excluded is null
),
folded as (
    select
        u.participant_id, u.scope, u.part, u.glucose_mgdl,
        any_value(if(p.sentinels = '40-400', least(greatest(u.glucose_mgdl, 40), 400), u.glucose_mgdl))::double as g,
        any_value(p.preset) = 'iglu' as is_iglu,
        sum(u.n)::bigint as n,
        sum(u.n * u.cadence_min)::bigint as minutes,
    from unfolded u
    cross join main.metric_preset p
    group by u.participant_id, u.scope, u.part, u.glucose_mgdl
),
ranked as (
    select
        f.participant_id, f.scope, f.part, f.glucose_mgdl, f.n, f.minutes, f.g, f.is_iglu,
        (sum(f.n) over (partition by f.participant_id, f.scope, f.part order by f.glucose_mgdl))::bigint as up_to,
        (sum(f.n) over (partition by f.participant_id, f.scope, f.part))::bigint as n_values,
    from folded f
),
placed as (
    select
        participant_id, scope, part,
        coalesce(sum(n) filter (where glucose_mgdl = 39), 0)::bigint as n_low_sentinel,
        coalesce(sum(n) filter (where glucose_mgdl = 401), 0)::bigint as n_high_sentinel,
        min(g) as min_mgdl,
        max(g) as max_mgdl,
        min(g) filter (where up_to > (n_values - 1) * 5 // 100) as q05_low,
        min(g) filter (where up_to > ((n_values - 1) * 5 + 99) // 100) as q05_high,
        min(g) filter (where up_to > (n_values - 1) * 10 // 100) as q10_low,
        min(g) filter (where up_to > ((n_values - 1) * 10 + 99) // 100) as q10_high,
        min(g) filter (where up_to > (n_values - 1) * 25 // 100) as q25_low,
        min(g) filter (where up_to > ((n_values - 1) * 25 + 99) // 100) as q25_high,
        min(g) filter (where up_to > (n_values - 1) * 50 // 100) as q50_low,
        min(g) filter (where up_to > ((n_values - 1) * 50 + 99) // 100) as q50_high,
        min(g) filter (where up_to > (n_values - 1) * 75 // 100) as q75_low,
        min(g) filter (where up_to > ((n_values - 1) * 75 + 99) // 100) as q75_high,
        min(g) filter (where up_to > (n_values - 1) * 90 // 100) as q90_low,
        min(g) filter (where up_to > ((n_values - 1) * 90 + 99) // 100) as q90_high,
        min(g) filter (where up_to > (n_values - 1) * 95 // 100) as q95_low,
        min(g) filter (where up_to > ((n_values - 1) * 95 + 99) // 100) as q95_high,
        max(n_values) as n_values,
    from ranked
    group by participant_id, scope, part
),
middle as (
    select
        participant_id, scope, part,
        (min(g) filter (where up_to > (n_values - 1) * 50 // 100) + min(g) filter (where up_to > ((n_values - 1) * 50 + 99) // 100)) / 2 as median_mgdl,
    from ranked
    group by participant_id, scope, part
),
distant as (
    select
        r.participant_id, r.scope, r.part, r.n_values,
        abs(r.g - m.median_mgdl) as away,
        (sum(r.n) over (partition by r.participant_id, r.scope, r.part order by away))::bigint as up_to,
    from ranked r
    join middle m on m.participant_id = r.participant_id and m.scope = r.scope and m.part = r.part
),
deviating as (
    select
        participant_id, scope, part,
        (min(away) filter (where up_to > (n_values - 1) * 50 // 100) + min(away) filter (where up_to > ((n_values - 1) * 50 + 99) // 100)) / 2 as away_mgdl,
    from distant
    group by participant_id, scope, part
),
scored as (
    select
        participant_id, scope, part, n, minutes, g, is_iglu,
        if(is_iglu, 18::double, 18.01559::double) as unit,
        ln(greatest(g, 1)) ** 1.084 - 5.381 as risk,
        round(1e15 * if(is_iglu, 22.77::double, 10 * 1.509::double ** 2) * risk ** 2)::hugeint * n as risk_score,
        round(1e15 * if(g <= unit, 50, least(50, 425 * (log10(log10(greatest(g / unit, 1.000001))) + 0.16) ** 2)))::hugeint * n as grade,
        round(1e15 * greatest(80 - g, 0) ** 2 / 30)::hugeint * n as hypo,
        round(1e15 * greatest(g - 140, 0) ** 1.1::double / 30)::hugeint * n as hyper,
        round(1e15 * 1000 * abs(log10(greatest(g, 1) / 90)) ** 3)::hugeint * n as m,
        -- Values between the same two bounds are in the same ranges.
        case
            when g < 50 then 0
            when g < 54 then 1
            when g < 60 then 2
            when g < 63 then 3
            when g < 70 then 4
            when g <= 120 then 5
            when g <= 140 then 6
            when g <= 180 then 7
            when g <= 200 then 8
            when g <= 250 then 9
            when g <= 300 then 10
            when g <= 350 then 11
            else 12
        end as class,
    from ranked
),
classed as (
    select
        participant_id, scope, part, class,
        sum(n)::bigint as n,
        sum(minutes)::bigint as minutes,
        sum(if(risk < 0, risk_score, 0)) as low_risk,
        sum(if(risk > 0, risk_score, 0)) as high_risk,
        sum(grade) as grade,
        sum(if(g < if(is_iglu, 80, 3.9 * unit), grade, 0)) as grade_hypo,
        sum(if(g between if(is_iglu, 70, 3.9 * unit) and if(is_iglu, 140, 7.8 * unit), grade, 0)) as grade_eu,
        sum(if(g > if(is_iglu, 140, 7.8 * unit), grade, 0)) as grade_hyper,
        sum(hypo) as hypo,
        sum(hyper) as hyper,
        sum(m) as m,
    from scored
    group by participant_id, scope, part, class
),
distributed as (
    select
        participant_id, scope, part,
        coalesce(sum(n) filter (where class < 1), 0)::bigint as n_tbr50,
        coalesce(sum(n) filter (where class < 2), 0)::bigint as n_tbr54,
        coalesce(sum(n) filter (where class < 3), 0)::bigint as n_tbr60,
        coalesce(sum(n) filter (where class < 4), 0)::bigint as n_tbr63,
        coalesce(sum(n) filter (where class < 5), 0)::bigint as n_tbr70,
        coalesce(sum(n) filter (where class between 5 and 7), 0)::bigint as n_tir,
        coalesce(sum(n) filter (where class between 5 and 6), 0)::bigint as n_titr,
        coalesce(sum(n) filter (where class between 4 and 6), 0)::bigint as n_tir63_140,
        coalesce(sum(n) filter (where class between 5 and 9), 0)::bigint as n_tir70_250,
        coalesce(sum(n) filter (where class > 5), 0)::bigint as n_tar120,
        coalesce(sum(n) filter (where class > 6), 0)::bigint as n_tar140,
        coalesce(sum(n) filter (where class > 7), 0)::bigint as n_tar180,
        coalesce(sum(n) filter (where class > 8), 0)::bigint as n_tar200,
        coalesce(sum(n) filter (where class > 9), 0)::bigint as n_tar250,
        coalesce(sum(n) filter (where class > 10), 0)::bigint as n_tar300,
        coalesce(sum(n) filter (where class > 11), 0)::bigint as n_tar350,
        coalesce(sum(minutes) filter (where class < 1), 0)::bigint as min_tbr50,
        coalesce(sum(minutes) filter (where class < 2), 0)::bigint as min_tbr54,
        coalesce(sum(minutes) filter (where class < 3), 0)::bigint as min_tbr60,
        coalesce(sum(minutes) filter (where class < 4), 0)::bigint as min_tbr63,
        coalesce(sum(minutes) filter (where class < 5), 0)::bigint as min_tbr70,
        coalesce(sum(minutes) filter (where class between 5 and 7), 0)::bigint as min_tir,
        coalesce(sum(minutes) filter (where class between 5 and 6), 0)::bigint as min_titr,
        coalesce(sum(minutes) filter (where class between 4 and 6), 0)::bigint as min_tir63_140,
        coalesce(sum(minutes) filter (where class between 5 and 9), 0)::bigint as min_tir70_250,
        coalesce(sum(minutes) filter (where class > 5), 0)::bigint as min_tar120,
        coalesce(sum(minutes) filter (where class > 6), 0)::bigint as min_tar140,
        coalesce(sum(minutes) filter (where class > 7), 0)::bigint as min_tar180,
        coalesce(sum(minutes) filter (where class > 8), 0)::bigint as min_tar200,
        coalesce(sum(minutes) filter (where class > 9), 0)::bigint as min_tar250,
        coalesce(sum(minutes) filter (where class > 10), 0)::bigint as min_tar300,
        coalesce(sum(minutes) filter (where class > 11), 0)::bigint as min_tar350,
        sum(low_risk) as low_risk,
        sum(high_risk) as high_risk,
        sum(grade) as grade_sum,
        sum(grade_hypo) as grade_hypo,
        sum(grade_eu) as grade_eu,
        sum(grade_hyper) as grade_hyper,
        sum(hypo) as hypo_sum,
        sum(hyper) as hyper_sum,
        sum(m) as m_sum,
    from classed
    group by participant_id, scope, part
)
select
    p.participant_id,
    p.scope,
    p.part,
    p.n_low_sentinel,
    p.n_high_sentinel,
    p.min_mgdl,
    p.max_mgdl,
    p.q05_low + ((p.n_values - 1) * 0.05 - floor((p.n_values - 1) * 0.05)) * (p.q05_high - p.q05_low) as q05_mgdl,
    p.q10_low + ((p.n_values - 1) * 0.10 - floor((p.n_values - 1) * 0.10)) * (p.q10_high - p.q10_low) as q10_mgdl,
    p.q25_low + ((p.n_values - 1) * 0.25 - floor((p.n_values - 1) * 0.25)) * (p.q25_high - p.q25_low) as q25_mgdl,
    p.q50_low + ((p.n_values - 1) * 0.50 - floor((p.n_values - 1) * 0.50)) * (p.q50_high - p.q50_low) as q50_mgdl,
    p.q75_low + ((p.n_values - 1) * 0.75 - floor((p.n_values - 1) * 0.75)) * (p.q75_high - p.q75_low) as q75_mgdl,
    p.q90_low + ((p.n_values - 1) * 0.90 - floor((p.n_values - 1) * 0.90)) * (p.q90_high - p.q90_low) as q90_mgdl,
    p.q95_low + ((p.n_values - 1) * 0.95 - floor((p.n_values - 1) * 0.95)) * (p.q95_high - p.q95_low) as q95_mgdl,
    a.away_mgdl,
    d.n_tbr50,
    d.n_tbr54,
    d.n_tbr60,
    d.n_tbr63,
    d.n_tbr70,
    d.n_tir,
    d.n_titr,
    d.n_tir63_140,
    d.n_tir70_250,
    d.n_tar120,
    d.n_tar140,
    d.n_tar180,
    d.n_tar200,
    d.n_tar250,
    d.n_tar300,
    d.n_tar350,
    d.min_tbr50,
    d.min_tbr54,
    d.min_tbr60,
    d.min_tbr63,
    d.min_tbr70,
    d.min_tir,
    d.min_titr,
    d.min_tir63_140,
    d.min_tir70_250,
    d.min_tar120,
    d.min_tar140,
    d.min_tar180,
    d.min_tar200,
    d.min_tar250,
    d.min_tar300,
    d.min_tar350,
    d.low_risk,
    d.high_risk,
    d.grade_sum,
    d.grade_hypo,
    d.grade_eu,
    d.grade_hyper,
    d.hypo_sum,
    d.hyper_sum,
    d.m_sum,
from placed p
join distributed d on d.participant_id = p.participant_id and d.scope = p.scope and d.part = p.part
join deviating a on a.participant_id = p.participant_id and a.scope = p.scope and a.part = p.part;
