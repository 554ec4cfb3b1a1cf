-- internal.scope_metrics: the one place where the metrics are computed, for every scope.
--
-- Grain    one row per row of metric_scopes
-- Source   metric_scopes, local_days, scope_dates, scope_values, metric_preset, metric_settings
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
with counted as (
    select
        s.participant_id, s.scope, s.part,
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
    from internal.local_days d
    join internal.scope_dates s on s.participant_id = d.participant_id and s.local_date is not distinct from d.local_date
    group by s.participant_id, s.scope, s.part
),
bounded as (
    select
        participant_id, scope, label, part, first_date, last_date, cadence_min, n_unknown_local_time,
        {begins timezone, first_date} as first_us,
        {begins timezone, last_date + 1} as next_us,
        (next_us - first_us) // 60_000_000 as zone_min,
        length_min,
        -- What a withdrawal takes off; without a time zone the dates are those of UTC.
        epoch_us(withdrawn_at) as cut_us,
        coalesce(next_us, epoch_us(last_date::timestamp + interval 1 day)) as end_us,
        if(
            cut_us between coalesce(first_us, epoch_us(first_date::timestamp)) + 1 and end_us,
            (end_us - cut_us + 59_999_999) // 60_000_000,
            0
        ) as cut_min,
    from internal.metric_scopes
),
framed as (
    select
        s.participant_id, s.scope, s.label, s.first_date, s.last_date, s.n_unknown_local_time,
        t.min_active_pct,
        coalesce(c.n_readings, 0) as n_readings,
        coalesce(c.n_values, 0) as n_values,
        nullif(c.n_values, 0) as denominator,
        c.n_values - c.n_of_1 - c.n_of_15 as n_of_5,
        -- That of most values, of equally many the shorter.
        case
            when p.preset = 'iglu' then s.cadence_min
            when c.n_of_1 > 0 and c.n_of_1 >= greatest(n_of_5, c.n_of_15) then 1
            when c.n_of_15 > n_of_5 then 15
            else 5
        end as usual_min,
        if(p.preset = 'iglu', 5, usual_min) as slot_min,
        p.preset <> 'iglu' and greatest(c.n_of_1, n_of_5, c.n_of_15) < c.n_values as has_several,
        coalesce(c.n_excluded, 0) as n_excluded,
        coalesce(c.n_days, 0) as n_days,
        p.preset, p.sentinels, p.metrics_version,
        if(p.preset = 'iglu', 'iglu', t.episode_preset) as episode_preset,
        -- What the bounds of the measuring range, instead of 39 and 401, add.
        c.total + if(p.sentinels = '40-400', d.n_low_sentinel - d.n_high_sentinel, 0) as sum_mgdl,
        c.squares + if(p.sentinels = '40-400', 79 * d.n_low_sentinel - 801 * d.n_high_sentinel, 0) as sum_mgdl2,
        sum_mgdl / denominator as mean_mgdl,
        sqrt(greatest(0, c.n_values * sum_mgdl2 - sum_mgdl * sum_mgdl) / nullif(c.n_values * (c.n_values - 1), 0)) as sd_mgdl,
        if(p.preset = 'iglu', 18::double, 18.01559::double) as unit,
        d.q50_mgdl as median_mgdl,
        d.min_mgdl, d.max_mgdl,
        d.q05_mgdl, d.q10_mgdl, d.q25_mgdl, d.q75_mgdl, d.q90_mgdl, d.q95_mgdl, d.away_mgdl,
        d.n_tbr50, d.n_tbr54, d.n_tbr60, d.n_tbr63, d.n_tbr70, d.n_tir, d.n_titr, d.n_tir63_140,
        d.n_tir70_250, d.n_tar120, d.n_tar140, d.n_tar180, d.n_tar200, d.n_tar250, d.n_tar300, d.n_tar350,
        d.min_tbr50, d.min_tbr54, d.min_tbr60, d.min_tbr63, d.min_tbr70, d.min_tir, d.min_titr,
        d.min_tir63_140, d.min_tir70_250, d.min_tar120, d.min_tar140, d.min_tar180, d.min_tar200,
        d.min_tar250, d.min_tar300, d.min_tar350,
        d.low_risk / 1e15 / denominator as lbgi,
        d.high_risk / 1e15 / denominator as hbgi,
        d.grade_sum / 1e15 / denominator as grade,
        100 * (d.grade_hypo / nullif(d.grade_sum, 0)) as grade_hypo_pct,
        100 * (d.grade_eu / nullif(d.grade_sum, 0)) as grade_eu_pct,
        100 * (d.grade_hyper / nullif(d.grade_sum, 0)) as grade_hyper_pct,
        d.hypo_sum / 1e15 / denominator as hypo_index,
        d.hyper_sum / 1e15 / denominator as hyper_index,
        d.m_sum / 1e15 / denominator as m_value_r90,
        c.adrr,
        coalesce(c.valid_days, 0) as valid_days,
        coalesce(d.n_low_sentinel, 0) + coalesce(c.n_low_left_out, 0) as n_low_sentinel,
        coalesce(d.n_high_sentinel, 0) + coalesce(c.n_high_left_out, 0) as n_high_sentinel,
        nullif(c.n_values + c.n_low_left_out + c.n_high_left_out, 0) as n_sent,
        coalesce(c.n_clock_suspect, 0) as n_clock_suspect,
        coalesce(c.n_overlap, 0) as n_overlap,
        coalesce(c.n_implausible, 0) as n_implausible,
        coalesce(c.n_slots, 0) as n_slots,
        coalesce(c.covered_min, 0) as covered_min,
        c.first_local, c.last_local,
        -- Without a time zone the day's length follows from the offsets seen.
        coalesce(s.length_min, (coalesce(
            s.zone_min,
            (s.last_date - s.first_date + 1) * 1440 - coalesce(
                (epoch_us(c.last_local) - epoch_us(c.last_placed_utc) - epoch_us(c.first_local) + epoch_us(c.first_placed_utc)) // 60_000_000, 0
            )
        ) - s.cut_min) // 5 * 5) as scope_min,
        if(
            has_several,
            c.n_slots + round(greatest(0, scope_min - c.covered_min) / slot_min)::bigint,
            scope_min // slot_min
        ) as expected_slots,
        epoch_us(c.last_utc) - epoch_us(c.first_utc) as span_us,
        round_even(round_even(span_us / 6e7, 0) / usual_min, 0) + 1 as span_readings,
        -- Where readings of other intervals lie between, or some without local time,
        -- what lasts to the last of them is missing too.
        c.wide_us + span_us - c.linked_us as gaps_us,
        round_even((gaps_us / 6e7 - c.wide_min) / usual_min, 0) as span_missing,
    from bounded s
    cross join main.metric_preset p
    cross join internal.metric_settings t
    left join counted c
        on c.participant_id = s.participant_id
        and c.scope = s.scope
        and c.part = s.part
    left join internal.scope_values d
        on d.participant_id = s.participant_id
        and d.scope = s.scope
        and d.part = s.part
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
    median_mgdl,
    min_mgdl,
    max_mgdl,
    3.31 + 0.02392 * mean_mgdl as gmi_pct,
    (mean_mgdl + 46.7) / 28.7 as ea1c_pct,
    100 * n_tbr54 / denominator as tbr54_pct,
    100 * n_tbr70 / denominator as tbr70_pct,
    100 * n_tir / denominator as tir_pct,
    100 * n_titr / denominator as titr_pct,
    100 * n_tar180 / denominator as tar180_pct,
    100 * n_tar250 / denominator as tar250_pct,
    tbr54_pct as very_low_pct,
    100 * (n_tbr70 - n_tbr54) / denominator as low_pct,
    tir_pct as in_range_pct,
    100 * (n_tar180 - n_tar250) / denominator as high_pct,
    tar250_pct as very_high_pct,
    if(n_values > 0, min_tbr54, null)::bigint as tbr54_min,
    if(n_values > 0, min_tbr70, null)::bigint as tbr70_min,
    if(n_values > 0, min_tir, null)::bigint as tir_min,
    if(n_values > 0, min_titr, null)::bigint as titr_min,
    if(n_values > 0, min_tar180, null)::bigint as tar180_min,
    if(n_values > 0, min_tar250, null)::bigint as tar250_min,
    tbr54_min as very_low_min,
    tbr70_min - tbr54_min as low_min,
    tir_min as in_range_min,
    tar180_min - tar250_min as high_min,
    tar250_min as very_high_min,
    -- From counts, so that a bound of a zone is met exactly.
    if(n_values > 0, least(100, 10 * (30 * n_tbr54 + 24 * (n_tbr70 - n_tbr54) + 16 * n_tar250 + 8 * (n_tar180 - n_tar250)) / denominator), null) as gri,
    case
        when gri <= 20 then 'A'
        when gri <= 40 then 'B'
        when gri <= 60 then 'C'
        when gri <= 80 then 'D'
        when gri <= 100 then 'E'
    end as gri_zone,
    very_low_pct + 0.8 * low_pct as gri_hypo,
    very_high_pct + 0.5 * high_pct as gri_hyper,
    lbgi,
    hbgi,
    expected_slots,
    n_slots,
    if(scope_min > 0, least(100, 100.0 * covered_min / scope_min), null) as active_window_pct,
    100 * (span_readings - span_missing) / span_readings as active_span_pct,
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
    100 * n_tbr50 / denominator as tbr50_pct,
    100 * n_tbr60 / denominator as tbr60_pct,
    100 * n_tbr63 / denominator as tbr63_pct,
    100 * n_tir63_140 / denominator as tir63_140_pct,
    100 * n_tir70_250 / denominator as tir70_250_pct,
    100 * n_tar120 / denominator as tar120_pct,
    100 * n_tar140 / denominator as tar140_pct,
    100 * n_tar200 / denominator as tar200_pct,
    100 * n_tar300 / denominator as tar300_pct,
    100 * n_tar350 / denominator as tar350_pct,
    if(n_values > 0, min_tbr50, null) as tbr50_min,
    if(n_values > 0, min_tbr60, null) as tbr60_min,
    if(n_values > 0, min_tbr63, null) as tbr63_min,
    if(n_values > 0, min_tir63_140, null) as tir63_140_min,
    if(n_values > 0, min_tir70_250, null) as tir70_250_min,
    if(n_values > 0, min_tar120, null) as tar120_min,
    if(n_values > 0, min_tar140, null) as tar140_min,
    if(n_values > 0, min_tar200, null) as tar200_min,
    if(n_values > 0, min_tar300, null) as tar300_min,
    if(n_values > 0, min_tar350, null) as tar350_min,
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
from framed;
