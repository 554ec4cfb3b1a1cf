-- internal.scope_metrics: the one place where the metrics are computed, for every scope.
--
-- Grain    one row per row of metric_scopes
-- Source   scope_dates, local_days, scope_values, metric_preset, metric_settings
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, except
--          active_*_pct; *_min are minutes
-- Ranges   54, 70, 140, 180, 250 mg/dL; 70 to 180 inclusive (Battelino 2019,
--          doi 10.2337/dci19-0028); see metric_catalogue for each definition
-- Slots    a value stands for its own cadence_min of glucose, and fills the slot
--          of that width, counted from midnight UTC, in which it lies. n_slots
--          counts the distinct slots, and they cover the sum of their widths.
--          Where all values have one cadence, expected_slots is the interval's
--          length / cadence; else n_slots, and as many of cadence_min as the
--          rest of the interval has room for, rounded. The interval of a study
--          and of its last day ends at a withdrawal, to the minute. By preset iglu slots are 5
--          minutes wide, and a value stands for the participant's median gap
-- Nulls    everything computed from values is null without a value, and the
--          sample standard deviation below two; readings without a value count
--          in n_readings and in nothing else
-- Columns  as in metric_catalogue, and
--   participant_id         study pseudonym from the roster
--   scope                  see metric_scopes
--   label                  see metric_scopes
create or replace view internal.scope_metrics as
-- What is computed of something computed is in a step of its own: DuckDB binds an
-- expression anew wherever the same select names it again.
with counted as (
    select
        s.participant_id, s.scope, s.part,
        any_value(s.label) as label,
        any_value(s.first_date) as first_date,
        any_value(s.last_date) as last_date,
        any_value(s.cadence_min) as cadence_min,
        any_value(s.n_unknown_local_time) as n_unknown_local_time,
        any_value(s.timezone) as timezone,
        any_value(s.withdrawn_at) as withdrawn_at,
        any_value(s.length_min) as length_min,
        sum(d.n_readings)::bigint as n_readings,
        sum(d.n_values)::bigint as n_values,
        sum(d.n_excluded)::bigint as n_excluded,
        sum(d.n_implausible)::bigint as n_implausible,
        sum(d.n_low_left_out)::bigint as n_low_left_out,
        sum(d.n_high_left_out)::bigint as n_high_left_out,
        sum(d.n_clock_suspect)::bigint as n_clock_suspect,
        sum(d.n_overlap)::bigint as n_overlap,
        sum(d.n_of_1)::bigint as n_of_1,
        sum(d.n_of_15)::bigint as n_of_15,
        sum(d.n_slots)::bigint as n_slots,
        sum(d.covered_min)::bigint as covered_min,
        count(d.local_date) filter (where d.n_values > 0) as n_days,
        count(*) filter (where d.is_valid) as valid_days,
        sum(d.risk_range) / 1e15 / count(d.risk_range) as adrr,
        sum(d.total) as total,
        sum(d.squares) as squares,
        min(d.first_utc) as first_utc,
        max(d.last_utc) as last_utc,
        arg_min(d.first_local, d.first_utc) as first_local,
        arg_max(d.last_local, d.last_utc) as last_local,
        min(d.first_utc) filter (where d.first_local is not null) as first_placed_utc,
        max(d.last_utc) filter (where d.last_local is not null) as last_placed_utc,
        -- The way to the first value lies outside.
        sum(d.linked_us) - arg_min(d.first_gap_us, d.first_utc) as linked_us,
        sum(d.wide_us) - arg_min(if(d.first_is_wide, d.first_gap_us, 0), d.first_utc) as wide_us,
        sum(d.wide_min) - arg_min(if(d.first_is_wide, d.first_step_min, 0), d.first_utc) as wide_min,
    from internal.scope_dates s
    left join internal.local_days d on d.participant_id = s.participant_id and d.local_date is not distinct from s.local_date
    group by s.participant_id, s.scope, s.part
),
bounded as (
    select
        participant_id, scope, label, part, first_date, last_date, cadence_min, n_unknown_local_time, length_min,
        n_readings, n_values, n_excluded, n_implausible, n_low_left_out, n_high_left_out, n_clock_suspect, n_overlap,
        n_of_1, n_of_15, n_slots, covered_min, n_days, valid_days, adrr, total, squares, first_local, last_local, wide_min,
        n_values - n_of_1 - n_of_15 as n_of_5,
        epoch_us(last_utc) - epoch_us(first_utc) as span_us,
        wide_us - linked_us as apart_us,
        {begins timezone, first_date} as first_us,
        {begins timezone, last_date + 1} as next_us,
        -- Without a time zone the dates are those of UTC, and their length follows from the offsets seen.
        epoch_us(first_date::timestamp) as first_utc_us,
        epoch_us(last_date::timestamp + interval 1 day) as next_utc_us,
        (last_date - first_date + 1) * 1440 - coalesce(
            (epoch_us(last_local) - epoch_us(last_placed_utc) - epoch_us(first_local) + epoch_us(first_placed_utc)) // 60_000_000, 0
        ) as seen_min,
        epoch_us(withdrawn_at) as cut_us,
    from counted
),
framed as (
    select
        participant_id, scope, label, part, first_date, last_date, cadence_min, n_unknown_local_time,
        n_readings, n_values, n_excluded, n_implausible, n_low_left_out, n_high_left_out, n_clock_suspect, n_overlap,
        n_of_1, n_of_5, n_of_15, n_slots, covered_min, n_days, valid_days, adrr, total, squares, first_local, last_local, wide_min,
        span_us, apart_us,
        -- Without what a withdrawal takes off.
        coalesce(length_min, (coalesce((next_us - first_us) // 60_000_000, seen_min) - if(
            cut_us between coalesce(first_us, first_utc_us) + 1 and coalesce(next_us, next_utc_us),
            (coalesce(next_us, next_utc_us) - cut_us + 59_999_999) // 60_000_000,
            0
        )) // 5 * 5) as scope_min,
    from bounded
),
sized as (
    select
        f.participant_id, f.scope, f.label, f.part, f.first_date, f.last_date, f.n_unknown_local_time,
        f.n_readings, f.n_values, f.n_excluded, f.n_implausible, f.n_low_left_out, f.n_high_left_out, f.n_clock_suspect, f.n_overlap,
        f.n_slots, f.covered_min, f.n_days, f.valid_days, f.adrr, f.total, f.squares, f.first_local, f.last_local,
        f.wide_min, f.span_us, f.apart_us, f.scope_min,
        p.preset, p.sentinels, p.metrics_version,
        if(p.preset = 'iglu', 'iglu', t.episode_preset) as episode_preset,
        t.min_active_pct,
        -- That of most values, of equally many the shorter.
        case
            when p.preset = 'iglu' then f.cadence_min
            when f.n_of_1 > 0 and f.n_of_1 >= greatest(f.n_of_5, f.n_of_15) then 1
            when f.n_of_15 > f.n_of_5 then 15
            else 5
        end as usual_min,
        p.preset <> 'iglu' and greatest(f.n_of_1, f.n_of_5, f.n_of_15) < f.n_values as has_several,
    from framed f
    cross join main.metric_preset p
    cross join internal.metric_settings t
),
valued as (
    select
        s.participant_id, s.scope, s.label, s.first_date, s.last_date, s.n_unknown_local_time,
        coalesce(s.n_readings, 0) as n_readings,
        coalesce(s.n_values, 0) as n_values,
        nullif(s.n_values, 0) as denominator,
        nullif(s.n_values + s.n_low_left_out + s.n_high_left_out, 0) as n_sent,
        coalesce(s.n_excluded, 0) as n_excluded,
        coalesce(s.n_implausible, 0) as n_implausible,
        coalesce(s.n_clock_suspect, 0) as n_clock_suspect,
        coalesce(s.n_overlap, 0) as n_overlap,
        coalesce(s.n_slots, 0) as n_slots,
        coalesce(s.n_days, 0) as n_days,
        coalesce(s.valid_days, 0) as valid_days,
        coalesce(d.n_low_sentinel, 0) + coalesce(s.n_low_left_out, 0) as n_low_sentinel,
        coalesce(d.n_high_sentinel, 0) + coalesce(s.n_high_left_out, 0) as n_high_sentinel,
        s.first_local, s.last_local, s.adrr, s.usual_min, s.preset, s.sentinels, s.metrics_version, s.episode_preset, s.min_active_pct,
        -- What the bounds of the measuring range, instead of 39 and 401, add.
        s.total + if(s.sentinels = '40-400', d.n_low_sentinel - d.n_high_sentinel, 0) as sum_mgdl,
        s.squares + if(s.sentinels = '40-400', 79 * d.n_low_sentinel - 801 * d.n_high_sentinel, 0) as sum_mgdl2,
        if(s.preset = 'iglu', 18::double, 18.01559::double) as unit,
        d.min_mgdl, d.max_mgdl,
        d.q05_mgdl, d.q10_mgdl, d.q25_mgdl, d.q50_mgdl, d.q75_mgdl, d.q90_mgdl, d.q95_mgdl, d.away_mgdl,
        d.n_tbr50, d.n_tbr54, d.n_tbr60, d.n_tbr63, d.n_tbr70, d.n_tir, d.n_titr, d.n_tir63_140,
        d.n_tir70_250, d.n_tar120, d.n_tar140, d.n_tar180, d.n_tar200, d.n_tar250, d.n_tar300, d.n_tar350,
        d.min_tbr50, d.min_tbr54, d.min_tbr60, d.min_tbr63, d.min_tbr70, d.min_tir, d.min_titr,
        d.min_tir63_140, d.min_tir70_250, d.min_tar120, d.min_tar140, d.min_tar180, d.min_tar200,
        d.min_tar250, d.min_tar300, d.min_tar350,
        d.low_risk, d.high_risk, d.grade_sum, d.grade_hypo, d.grade_eu, d.grade_hyper, d.hypo_sum, d.hyper_sum, d.m_sum,
        s.scope_min,
        coalesce(s.covered_min, 0) as covered_min,
        if(
            s.has_several,
            s.n_slots + round(greatest(0, s.scope_min - s.covered_min) / if(s.preset = 'iglu', 5, s.usual_min))::bigint,
            s.scope_min // if(s.preset = 'iglu', 5, s.usual_min)
        ) as expected_slots,
        round_even(round_even(s.span_us / 6e7, 0) / s.usual_min, 0) + 1 as span_readings,
        -- Where readings of other intervals lie between, or some without local time,
        -- what lasts to the last of them is missing too.
        round_even(((s.apart_us + s.span_us) / 6e7 - s.wide_min) / s.usual_min, 0) as span_missing,
    from sized s
    left join internal.scope_values d
        on d.participant_id = s.participant_id
        and d.scope = s.scope
        and d.part = s.part
),
shared as (
    select
        participant_id, scope, label, first_date, last_date, n_unknown_local_time, n_readings, n_values, denominator, n_sent,
        n_excluded, n_implausible, n_clock_suspect, n_overlap, n_slots, n_days, valid_days, n_low_sentinel, n_high_sentinel,
        first_local, last_local, adrr, usual_min, preset, sentinels, metrics_version, episode_preset, min_active_pct, unit,
        sum_mgdl / denominator as mean_mgdl,
        sqrt(greatest(0, n_values * sum_mgdl2 - sum_mgdl * sum_mgdl) / nullif(n_values * (n_values - 1), 0)) as sd_mgdl,
        min_mgdl, max_mgdl, q05_mgdl, q10_mgdl, q25_mgdl, q50_mgdl, q75_mgdl, q90_mgdl, q95_mgdl, away_mgdl,
        n_tbr54, n_tbr70, n_tir, n_tar180, n_tar250,
        100 * n_tbr50 / denominator as tbr50_pct,
        100 * n_tbr54 / denominator as tbr54_pct,
        100 * n_tbr60 / denominator as tbr60_pct,
        100 * n_tbr63 / denominator as tbr63_pct,
        100 * n_tbr70 / denominator as tbr70_pct,
        100 * n_tir / denominator as tir_pct,
        100 * n_titr / denominator as titr_pct,
        100 * n_tir63_140 / denominator as tir63_140_pct,
        100 * n_tir70_250 / denominator as tir70_250_pct,
        100 * n_tar120 / denominator as tar120_pct,
        100 * n_tar140 / denominator as tar140_pct,
        100 * n_tar180 / denominator as tar180_pct,
        100 * n_tar200 / denominator as tar200_pct,
        100 * n_tar250 / denominator as tar250_pct,
        100 * n_tar300 / denominator as tar300_pct,
        100 * n_tar350 / denominator as tar350_pct,
        100 * (n_tbr70 - n_tbr54) / denominator as low_pct,
        100 * (n_tar180 - n_tar250) / denominator as high_pct,
        if(n_values > 0, min_tbr50, null)::bigint as tbr50_min,
        if(n_values > 0, min_tbr54, null)::bigint as tbr54_min,
        if(n_values > 0, min_tbr60, null)::bigint as tbr60_min,
        if(n_values > 0, min_tbr63, null)::bigint as tbr63_min,
        if(n_values > 0, min_tbr70, null)::bigint as tbr70_min,
        if(n_values > 0, min_tir, null)::bigint as tir_min,
        if(n_values > 0, min_titr, null)::bigint as titr_min,
        if(n_values > 0, min_tir63_140, null)::bigint as tir63_140_min,
        if(n_values > 0, min_tir70_250, null)::bigint as tir70_250_min,
        if(n_values > 0, min_tar120, null)::bigint as tar120_min,
        if(n_values > 0, min_tar140, null)::bigint as tar140_min,
        if(n_values > 0, min_tar180, null)::bigint as tar180_min,
        if(n_values > 0, min_tar200, null)::bigint as tar200_min,
        if(n_values > 0, min_tar250, null)::bigint as tar250_min,
        if(n_values > 0, min_tar300, null)::bigint as tar300_min,
        if(n_values > 0, min_tar350, null)::bigint as tar350_min,
        -- From counts, so that a bound of a zone is met exactly.
        if(n_values > 0, least(100, 10 * (30 * n_tbr54 + 24 * (n_tbr70 - n_tbr54) + 16 * n_tar250 + 8 * (n_tar180 - n_tar250)) / denominator), null) as gri,
        low_risk / 1e15 / denominator as lbgi,
        high_risk / 1e15 / denominator as hbgi,
        grade_sum / 1e15 / denominator as grade,
        100 * (grade_hypo / nullif(grade_sum, 0)) as grade_hypo_pct,
        100 * (grade_eu / nullif(grade_sum, 0)) as grade_eu_pct,
        100 * (grade_hyper / nullif(grade_sum, 0)) as grade_hyper_pct,
        hypo_sum / 1e15 / denominator as hypo_index,
        hyper_sum / 1e15 / denominator as hyper_index,
        m_sum / 1e15 / denominator as m_value_r90,
        expected_slots,
        if(scope_min > 0, least(100, 100.0 * covered_min / scope_min), null) as active_window_pct,
        100 * (span_readings - span_missing) / span_readings as active_span_pct,
    from valued
)
select
    participant_id,
    scope,
    label,
    first_date,
    last_date,
    n_readings,
    n_values,
    n_days,
    mean_mgdl,
    sd_mgdl,
    100 * sd_mgdl / nullif(mean_mgdl, 0) as cv_pct,
    q50_mgdl as median_mgdl,
    min_mgdl,
    max_mgdl,
    3.31 + 0.02392 * mean_mgdl as gmi_pct,
    (mean_mgdl + 46.7) / 28.7 as ea1c_pct,
    tbr54_pct,
    tbr70_pct,
    tir_pct,
    titr_pct,
    tar180_pct,
    tar250_pct,
    tbr54_pct as very_low_pct,
    low_pct,
    tir_pct as in_range_pct,
    high_pct,
    tar250_pct as very_high_pct,
    tbr54_min,
    tbr70_min,
    tir_min,
    titr_min,
    tar180_min,
    tar250_min,
    tbr54_min as very_low_min,
    tbr70_min - tbr54_min as low_min,
    tir_min as in_range_min,
    tar180_min - tar250_min as high_min,
    tar250_min as very_high_min,
    gri,
    case
        when gri <= 20 then 'A'
        when gri <= 40 then 'B'
        when gri <= 60 then 'C'
        when gri <= 80 then 'D'
        when gri <= 100 then 'E'
    end as gri_zone,
    tbr54_pct + 0.8 * low_pct as gri_hypo,
    tar250_pct + 0.5 * high_pct as gri_hyper,
    lbgi,
    hbgi,
    expected_slots,
    n_slots,
    active_window_pct,
    active_span_pct,
    coalesce(active_window_pct >= min_active_pct, false) as sufficient,
    usual_min as cadence_min,
    n_low_sentinel,
    n_high_sentinel,
    100 * (n_low_sentinel + n_high_sentinel) / n_sent as censored_pct,
    n_excluded,
    n_clock_suspect,
    n_overlap,
    n_unknown_local_time,
    first_local,
    last_local,
    n_implausible,
    q05_mgdl,
    q10_mgdl,
    q25_mgdl,
    q75_mgdl,
    q90_mgdl,
    q95_mgdl,
    q75_mgdl - q25_mgdl as iqr_mgdl,
    1.4826::double * away_mgdl as mad_mgdl,
    0.001::double * (mean_mgdl + sd_mgdl) ** 2 as j_index,
    tbr50_pct,
    tbr60_pct,
    tbr63_pct,
    tir63_140_pct,
    tir70_250_pct,
    tar120_pct,
    tar140_pct,
    tar200_pct,
    tar300_pct,
    tar350_pct,
    tbr50_min,
    tbr60_min,
    tbr63_min,
    tir63_140_min,
    tir70_250_min,
    tar120_min,
    tar140_min,
    tar200_min,
    tar300_min,
    tar350_min,
    lbgi + hbgi as bgri,
    adrr,
    grade,
    grade_hypo_pct,
    grade_eu_pct,
    grade_hyper_pct,
    hypo_index,
    hyper_index,
    hypo_index + hyper_index as igc,
    m_value_r90,
    if(
        sd_mgdl is null,
        null,
        50 * (n_tir / denominator) + 35 * greatest(0, 1 - n_tbr70 / denominator / 0.15::double) + 15 * least(1, greatest(0, (6 - sd_mgdl / unit) / 5))
    ) as cogi,
    valid_days,
    tir_pct > 70 and tbr70_pct < 4 and tbr54_pct < 1 and tar180_pct < 25 and tar250_pct < 5 and cv_pct <= 36 as adult_targets_met,
    tir_pct > 50 and tbr70_pct < 1 and tar250_pct < 10 and cv_pct <= 36 as high_risk_targets_met,
    tir63_140_pct > 70 and tbr63_pct < 4 and tbr54_pct < 1 and tar140_pct < 25 as pregnancy_targets_met,
    preset,
    sentinels,
    metrics_version,
    episode_preset,
from shared;
