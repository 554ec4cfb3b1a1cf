-- internal.day_values: how often each value occurs on every local date, and what follows from that alone.
--
-- Grain    one row per participant_id and local_date with a value
-- Source   glucose_days, value_scores
-- Units    glucose mg/dL
-- Rules    those of scope_values, of so few values that all of them are laid out in
--          their order: that takes a fifth of the time
-- Nulls    none
-- Columns
--   participant_id         study pseudonym from the roster
--   local_date             see glucose_days
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
--   risk_range             see local_days
create or replace view internal.day_values as
with unfolded as (
    select
        participant_id, local_date, cadence_min,
        unnest(glucose_mgdl) as glucose_mgdl,
        unnest(counts) as n,
    from main.glucose_days
    where excluded is null
        and local_date is not null
),
zoned as (
    select
        u.participant_id, u.local_date,
        min(v.glucose_mgdl) as glucose_mgdl,
        min(v.g) as g,
        any_value(v.is_iglu) as is_iglu,
        any_value(v.unit) as unit,
        any_value(v.scale) as scale,
        min(v.risk) as lowest_risk,
        max(v.risk) as highest_risk,
        sum(u.n)::bigint as n,
        sum(u.n * u.cadence_min)::bigint as minutes,
        sum(u.n * v.low_risk) as low_risk,
        sum(u.n * v.high_risk) as high_risk,
        sum(u.n * v.grade) as grade,
        sum(u.n * v.hypo) as hypo,
        sum(u.n * v.hyper) as hyper,
        sum(u.n * v.m) as m,
        flatten(list(repeat([v.g::smallint], u.n))) as laid_out,
    from unfolded u
    join internal.value_scores v on v.glucose_mgdl = u.glucose_mgdl
    group by u.participant_id, u.local_date, v.zone
),
summed as (
    select
        participant_id, local_date,
        {value_sums},
        any_value(scale) as scale,
        min(lowest_risk) as lowest_risk,
        max(highest_risk) as highest_risk,
        sum(n)::bigint - 1 as last,
        list_sort(flatten(list(laid_out))) as ordered,
    from zoned
    group by participant_id, local_date
)
select
    participant_id, local_date, n_low_sentinel, n_high_sentinel,
    ordered[1]::double as min_mgdl,
    ordered[-1]::double as max_mgdl,
    ordered[last * 5 // 100 + 1] + last * 5 % 100 / 100 * (ordered[(last * 5 + 99) // 100 + 1] - ordered[last * 5 // 100 + 1]) as q05_mgdl,
    ordered[last * 10 // 100 + 1] + last * 10 % 100 / 100 * (ordered[(last * 10 + 99) // 100 + 1] - ordered[last * 10 // 100 + 1]) as q10_mgdl,
    ordered[last * 25 // 100 + 1] + last * 25 % 100 / 100 * (ordered[(last * 25 + 99) // 100 + 1] - ordered[last * 25 // 100 + 1]) as q25_mgdl,
    ordered[last * 50 // 100 + 1] + last * 50 % 100 / 100 * (ordered[(last * 50 + 99) // 100 + 1] - ordered[last * 50 // 100 + 1]) as q50_mgdl,
    ordered[last * 75 // 100 + 1] + last * 75 % 100 / 100 * (ordered[(last * 75 + 99) // 100 + 1] - ordered[last * 75 // 100 + 1]) as q75_mgdl,
    ordered[last * 90 // 100 + 1] + last * 90 % 100 / 100 * (ordered[(last * 90 + 99) // 100 + 1] - ordered[last * 90 // 100 + 1]) as q90_mgdl,
    ordered[last * 95 // 100 + 1] + last * 95 % 100 / 100 * (ordered[(last * 95 + 99) // 100 + 1] - ordered[last * 95 // 100 + 1]) as q95_mgdl,
    list_aggregate(ordered, 'mad')::double as away_mgdl,
    {risk_range} as risk_range,
    n_tbr50, n_tbr54, n_tbr60, n_tbr63, n_tbr70, n_tir, n_titr, n_tir63_140, n_tir70_250, n_tar120,
    n_tar140, n_tar180, n_tar200, n_tar250, n_tar300, n_tar350, min_tbr50, min_tbr54, min_tbr60,
    min_tbr63, min_tbr70, min_tir, min_titr, min_tir63_140, min_tir70_250, min_tar120, min_tar140,
    min_tar180, min_tar200, min_tar250, min_tar300, min_tar350, low_risk, high_risk, grade_sum,
    grade_hypo, grade_eu, grade_hyper, hypo_sum, hyper_sum, m_sum,
from summed;
