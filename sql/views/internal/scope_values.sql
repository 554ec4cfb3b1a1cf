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
-- One chain, in which each step reads the one before it, and keys of the scope in each:
-- else DuckDB computes all scopes of everybody, whoever asks for one. The scope itself
-- follows from part: a text among the keys costs more than all else of so many rows.
with unfolded as (
    select
        s.participant_id, s.part,
        d.cadence_min,
        unnest(d.glucose_mgdl) as glucose_mgdl,
        unnest(d.counts) as n,
    from main.glucose_days d
    join internal.scope_dates s on s.participant_id = d.participant_id and s.local_date is not distinct from d.local_date
    where d.excluded is null
),
folded as (
    select
        participant_id, part, glucose_mgdl,
        sum(n)::bigint as n,
        sum(n * cadence_min)::bigint as minutes,
    from unfolded
    group by participant_id, part, glucose_mgdl
),
ranked as (
    select
        f.participant_id, f.part, f.glucose_mgdl, f.n, f.minutes,
        case
            when p.sentinels = '40-400' and f.glucose_mgdl = 39 then 40
            when p.sentinels = '40-400' and f.glucose_mgdl = 401 then 400
            else f.glucose_mgdl
        end::double as g,
        p.preset = 'iglu' as is_iglu,
        (sum(f.n) over (partition by f.participant_id, f.part order by f.glucose_mgdl))::bigint as up_to,
        (sum(f.n) over (partition by f.participant_id, f.part))::bigint as n_values,
    from folded f
    cross join main.metric_preset p
),
centred as (
    select
        participant_id, part, glucose_mgdl, n, minutes, g, is_iglu, up_to, n_values,
        abs(g - (
            min(g) filter (where up_to > (n_values - 1) * 50 // 100) over (partition by participant_id, part)
            + min(g) filter (where up_to > ((n_values - 1) * 50 + 99) // 100) over (partition by participant_id, part)
        ) / 2) as away,
    from ranked
),
scored as (
    select
        participant_id, part, glucose_mgdl, n, minutes, g, is_iglu, up_to, n_values, away,
        (sum(n) over (partition by participant_id, part order by away))::bigint as away_up_to,
        {value_scores},
    from centred
),
summed as (
    select
        participant_id, part,
        max(n_values) as n_values,
        min(g) as min_mgdl,
        max(g) as max_mgdl,
        min(if(up_to > (n_values - 1) * 5 // 100, g, null)) as q05_low,
        min(if(up_to > ((n_values - 1) * 5 + 99) // 100, g, null)) as q05_high,
        min(if(up_to > (n_values - 1) * 10 // 100, g, null)) as q10_low,
        min(if(up_to > ((n_values - 1) * 10 + 99) // 100, g, null)) as q10_high,
        min(if(up_to > (n_values - 1) * 25 // 100, g, null)) as q25_low,
        min(if(up_to > ((n_values - 1) * 25 + 99) // 100, g, null)) as q25_high,
        min(if(up_to > (n_values - 1) * 50 // 100, g, null)) as q50_low,
        min(if(up_to > ((n_values - 1) * 50 + 99) // 100, g, null)) as q50_high,
        min(if(up_to > (n_values - 1) * 75 // 100, g, null)) as q75_low,
        min(if(up_to > ((n_values - 1) * 75 + 99) // 100, g, null)) as q75_high,
        min(if(up_to > (n_values - 1) * 90 // 100, g, null)) as q90_low,
        min(if(up_to > ((n_values - 1) * 90 + 99) // 100, g, null)) as q90_high,
        min(if(up_to > (n_values - 1) * 95 // 100, g, null)) as q95_low,
        min(if(up_to > ((n_values - 1) * 95 + 99) // 100, g, null)) as q95_high,
        (min(if(away_up_to > (n_values - 1) * 50 // 100, away, null)) + min(if(away_up_to > ((n_values - 1) * 50 + 99) // 100, away, null))) / 2 as away_mgdl,
        {value_sums},
    from scored
    group by participant_id, part
)
select
    participant_id,
    case -- comparisons alone: what might fail is not asked before rows are grouped
        when part < 10_000_000 then 'participant'
        when part < 20_000_000 then 'day'
        when part < 30_000_000 then 'period'
        when part < 40_000_000 then 'window'
        else 'sensor'
    end as scope,
    part, n_low_sentinel, n_high_sentinel, min_mgdl, max_mgdl,
    q05_low + ((n_values - 1) * 0.05 - floor((n_values - 1) * 0.05)) * (q05_high - q05_low) as q05_mgdl,
    q10_low + ((n_values - 1) * 0.10 - floor((n_values - 1) * 0.10)) * (q10_high - q10_low) as q10_mgdl,
    q25_low + ((n_values - 1) * 0.25 - floor((n_values - 1) * 0.25)) * (q25_high - q25_low) as q25_mgdl,
    q50_low + ((n_values - 1) * 0.50 - floor((n_values - 1) * 0.50)) * (q50_high - q50_low) as q50_mgdl,
    q75_low + ((n_values - 1) * 0.75 - floor((n_values - 1) * 0.75)) * (q75_high - q75_low) as q75_mgdl,
    q90_low + ((n_values - 1) * 0.90 - floor((n_values - 1) * 0.90)) * (q90_high - q90_low) as q90_mgdl,
    q95_low + ((n_values - 1) * 0.95 - floor((n_values - 1) * 0.95)) * (q95_high - q95_low) as q95_mgdl,
    away_mgdl,
    n_tbr50, n_tbr54, n_tbr60, n_tbr63, n_tbr70, n_tir, n_titr, n_tir63_140, n_tir70_250, n_tar120,
    n_tar140, n_tar180, n_tar200, n_tar250, n_tar300, n_tar350, min_tbr50, min_tbr54, min_tbr60,
    min_tbr63, min_tbr70, min_tir, min_titr, min_tir63_140, min_tir70_250, min_tar120, min_tar140,
    min_tar180, min_tar200, min_tar250, min_tar300, min_tar350, low_risk, high_risk, grade_sum,
    grade_hypo, grade_eu, grade_hyper, hypo_sum, hyper_sum, m_sum,
from summed;
