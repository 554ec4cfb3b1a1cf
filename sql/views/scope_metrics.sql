-- scope_metrics: the one place where the metrics are computed, for every scope.
--
-- Grain    one row per row of metric_scopes
-- Source   metric_scopes, metric_readings, metric_preset
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
create or replace view scope_metrics as
with linked as (
    select
        r.participant_id, r.scope, r.label, r.first_date, r.is_mixed, r.cadence_min, r.slot_min,
        r.time_utc, r.local_time, r.local_date, r.glucose_mgdl, r.is_excluded, r.overlap, r.clock_suspect, r.is_implausible,
        if(p.preset = 'iglu', 22.77::double, 10 * 1.509::double ** 2) as risk_scale,
        ln(if(r.glucose_mgdl < 1, 1, r.glucose_mgdl)) ** 1.084 - 5.381 as risk,
        (risk_scale * risk ** 2)::decimal(38, 15) as risk_index,
        epoch_us(r.time_utc) - epoch_us(r.previous_utc) as gap_us,
        greatest(r.cadence_min, r.previous_cadence_min) as step_min,
        round_even(gap_us / 6e7, 0) > step_min as is_wide,
        epoch_us(r.time_utc) // (60_000_000::bigint * r.slot_min) as slot,
        not r.is_mixed
            and r.glucose_mgdl is not null
            and slot is distinct from epoch_us(r.previous_utc) // (60_000_000::bigint * r.slot_min) as opens_slot,
    from metric_readings r
    cross join metric_preset p
),
counted as (
    select
        participant_id, scope, label, first_date,
        count(*) filter (where not is_excluded) as n_readings,
        count(glucose_mgdl) as n_values,
        count(*) filter (where is_excluded) as n_excluded,
        count(distinct local_date) filter (where glucose_mgdl is not null) as n_days,
        -- Sums of whole numbers, and decimals, are the same in whatever order they
        -- are added up; those of floating-point numbers are not.
        sum(glucose_mgdl) as total,
        total / nullif(n_values, 0) as mean_mgdl,
        sum(1::bigint * glucose_mgdl * glucose_mgdl) as squares,
        sqrt(greatest(0, n_values * squares - total * total) / nullif(n_values * (n_values - 1), 0)) as sd_mgdl,
        quantile_cont(glucose_mgdl, 0.5) as median_mgdl,
        min(glucose_mgdl) as min_mgdl,
        max(glucose_mgdl) as max_mgdl,
        count(*) filter (where glucose_mgdl < 54) as n54,
        count(*) filter (where glucose_mgdl < 70) as n70,
        count(*) filter (where glucose_mgdl between 70 and 140) as n_tight,
        count(*) filter (where glucose_mgdl between 70 and 180) as n_in_range,
        count(*) filter (where glucose_mgdl > 180) as n180,
        count(*) filter (where glucose_mgdl > 250) as n250,
        sum(if(risk < 0, risk_index, 0)) / nullif(n_values, 0) as lbgi,
        sum(if(risk > 0, risk_index, 0)) / nullif(n_values, 0) as hbgi,
        count(*) filter (where glucose_mgdl = 39) as n_low_sentinel,
        count(*) filter (where glucose_mgdl = 401) as n_high_sentinel,
        count(*) filter (where clock_suspect and not is_excluded) as n_clock_suspect,
        count(*) filter (where overlap and not is_excluded) as n_overlap,
        count(*) filter (where is_implausible and not is_excluded) as n_implausible,
        -- Where all values of a participant have one cadence, a slot is new if that
        -- of the value before is another one, and minutes are a multiple. This is
        -- much cheaper than what follows, which values of several cadences need.
        count(*) filter (where opens_slot) as n_opened,
        count(*) filter (where is_mixed and glucose_mgdl is not null and slot_min = 1) as n_of_1,
        count(*) filter (where is_mixed and glucose_mgdl is not null and slot_min = 15) as n_of_15,
        count(distinct slot) filter (where is_mixed and glucose_mgdl is not null and slot_min = 1) as slots_of_1,
        count(distinct slot) filter (where is_mixed and glucose_mgdl is not null and slot_min = 5) as slots_of_5,
        count(distinct slot) filter (where is_mixed and glucose_mgdl is not null and slot_min = 15) as slots_of_15,
        sum(slot_min) filter (where is_mixed and glucose_mgdl < 54) as min54,
        sum(slot_min) filter (where is_mixed and glucose_mgdl < 70) as min70,
        sum(slot_min) filter (where is_mixed and glucose_mgdl between 70 and 140) as min_tight,
        sum(slot_min) filter (where is_mixed and glucose_mgdl between 70 and 180) as min_in_range,
        sum(slot_min) filter (where is_mixed and glucose_mgdl > 180) as min180,
        sum(slot_min) filter (where is_mixed and glucose_mgdl > 250) as min250,
        min(time_utc) filter (where glucose_mgdl is not null) as first_utc,
        max(time_utc) filter (where glucose_mgdl is not null) as last_utc,
        arg_min(local_time, time_utc) filter (where glucose_mgdl is not null and local_time is not null) as first_local,
        arg_max(local_time, time_utc) filter (where glucose_mgdl is not null and local_time is not null) as last_local,
        min(epoch_us(time_utc)) filter (where glucose_mgdl is not null and local_time is not null) as first_placed_us,
        max(epoch_us(time_utc)) filter (where glucose_mgdl is not null and local_time is not null) as last_placed_us,
        count(gap_us) as n_linked,
        sum(gap_us) as linked_us,
        sum(gap_us) filter (where is_wide) as wide_us,
        sum(step_min) filter (where is_wide) as wide_min,
    from linked
    group by participant_id, scope, label, first_date
),
bounded as (
    select
        participant_id, scope, label, first_date, last_date, cadence_min, is_mixed, n_unknown_local_time,
        timezone(timezone, first_date::timestamp) as first_midnight,
        timezone(timezone, last_date::timestamp + interval 1 day) as next_midnight,
        -- Clocks set back to midnight make two of it; the day begins with the first.
        timezone(timezone, first_midnight - interval 1 hour) >= first_date as first_is_second,
        timezone(timezone, next_midnight - interval 1 hour) >= last_date + 1 as next_is_second,
        epoch_us(first_midnight) - 3_600_000_000 * first_is_second::integer as first_us,
        epoch_us(next_midnight) - 3_600_000_000 * next_is_second::integer as next_us,
        (next_us - first_us) // 60_000_000 as zone_min,
        -- What a withdrawal takes off; without a time zone the dates are those of UTC.
        epoch_us(withdrawn_at) as cut_us,
        coalesce(next_us, epoch_us(last_date::timestamp + interval 1 day)) as end_us,
        if(
            cut_us between coalesce(first_us, epoch_us(first_date::timestamp)) + 1 and end_us,
            (end_us - cut_us + 59_999_999) // 60_000_000,
            0
        ) as cut_min,
    from metric_scopes
),
framed as (
    select
        s.participant_id, s.scope, s.label, s.first_date, s.last_date, s.n_unknown_local_time,
        coalesce(c.n_readings, 0) as n_readings,
        coalesce(c.n_values, 0) as n_values,
        nullif(c.n_values, 0) as denominator,
        c.n_values - c.n_of_1 - c.n_of_15 as n_of_5,
        -- That of most values, of equally many the shorter.
        case
            when p.preset = 'iglu' or c.n_values > 0 and not s.is_mixed then s.cadence_min
            when c.n_of_1 > 0 and c.n_of_1 >= greatest(n_of_5, c.n_of_15) then 1
            when c.n_of_15 > n_of_5 then 15
            else 5
        end as usual_min,
        if(p.preset = 'iglu', 5, usual_min) as slot_min,
        s.is_mixed and greatest(c.n_of_1, n_of_5, c.n_of_15) < c.n_values as has_several,
        coalesce(c.n_excluded, 0) as n_excluded,
        coalesce(c.n_days, 0) as n_days,
        c.mean_mgdl, c.sd_mgdl, c.median_mgdl, c.min_mgdl, c.max_mgdl,
        c.n54, c.n70, c.n_tight, c.n_in_range, c.n180, c.n250,
        if(s.is_mixed, coalesce(c.min54, 0), c.n54 * usual_min) as min54,
        if(s.is_mixed, coalesce(c.min70, 0), c.n70 * usual_min) as min70,
        if(s.is_mixed, coalesce(c.min_tight, 0), c.n_tight * usual_min) as min_tight,
        if(s.is_mixed, coalesce(c.min_in_range, 0), c.n_in_range * usual_min) as min_in_range,
        if(s.is_mixed, coalesce(c.min180, 0), c.n180 * usual_min) as min180,
        if(s.is_mixed, coalesce(c.min250, 0), c.n250 * usual_min) as min250,
        c.lbgi, c.hbgi,
        coalesce(c.n_low_sentinel, 0) as n_low_sentinel,
        coalesce(c.n_high_sentinel, 0) as n_high_sentinel,
        coalesce(c.n_clock_suspect, 0) as n_clock_suspect,
        coalesce(c.n_overlap, 0) as n_overlap,
        coalesce(c.n_implausible, 0) as n_implausible,
        coalesce(c.n_opened + c.slots_of_1 + c.slots_of_5 + c.slots_of_15, 0) as n_slots,
        coalesce(c.n_opened * slot_min + c.slots_of_1 + 5 * c.slots_of_5 + 15 * c.slots_of_15, 0) as covered_min,
        c.first_local, c.last_local,
        -- Without a time zone the day's length follows from the offsets seen.
        (coalesce(
            s.zone_min,
            (s.last_date - s.first_date + 1) * 1440 - coalesce(
                (epoch_us(c.last_local) - c.last_placed_us - epoch_us(c.first_local) + c.first_placed_us) // 60_000_000, 0
            )
        ) - s.cut_min) // 5 * 5 as scope_min,
        if(
            has_several,
            n_slots + round(greatest(0, scope_min - covered_min) / slot_min)::bigint,
            scope_min // slot_min
        ) as expected_slots,
        epoch_us(c.last_utc) - epoch_us(c.first_utc) as span_us,
        round_even(round_even(span_us / 6e7, 0) / usual_min, 0) + 1 as span_readings,
        -- Where the value before lies outside the scope there is a gap too; all
        -- of these together last what the others leave of the span.
        coalesce(c.wide_us, 0) + span_us - coalesce(c.linked_us, 0) as gaps_us,
        coalesce(c.wide_min, 0) + (c.n_values - 1 - c.n_linked) * usual_min as bridged_min,
        round_even((gaps_us / 6e7 - bridged_min) / usual_min, 0) as span_missing,
    from bounded s
    cross join metric_preset p
    left join counted c
        on c.participant_id = s.participant_id
        and c.scope = s.scope
        and c.label = s.label
        and c.first_date is not distinct from s.first_date
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
    100 * n54 / denominator as tbr54_pct,
    100 * n70 / denominator as tbr70_pct,
    100 * n_in_range / denominator as tir_pct,
    100 * n_tight / denominator as titr_pct,
    100 * n180 / denominator as tar180_pct,
    100 * n250 / denominator as tar250_pct,
    tbr54_pct as very_low_pct,
    100 * (n70 - n54) / denominator as low_pct,
    tir_pct as in_range_pct,
    100 * (n180 - n250) / denominator as high_pct,
    tar250_pct as very_high_pct,
    if(n_values > 0, min54, null)::bigint as tbr54_min,
    if(n_values > 0, min70, null)::bigint as tbr70_min,
    if(n_values > 0, min_in_range, null)::bigint as tir_min,
    if(n_values > 0, min_tight, null)::bigint as titr_min,
    if(n_values > 0, min180, null)::bigint as tar180_min,
    if(n_values > 0, min250, null)::bigint as tar250_min,
    tbr54_min as very_low_min,
    tbr70_min - tbr54_min as low_min,
    tir_min as in_range_min,
    tar180_min - tar250_min as high_min,
    tar250_min as very_high_min,
    -- From counts, so that a bound of a zone is met exactly.
    if(n_values > 0, least(100, 10 * (30 * n54 + 24 * (n70 - n54) + 16 * n250 + 8 * (n180 - n250)) / denominator), null) as gri,
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
    coalesce(active_window_pct >= 70, false) as sufficient,
    usual_min as cadence_min,
    n_low_sentinel,
    n_high_sentinel,
    100 * (n_low_sentinel + n_high_sentinel) / denominator as censored_pct,
    n_excluded,
    n_clock_suspect,
    n_overlap,
    n_unknown_local_time,
    first_local,
    last_local,
    n_implausible,
from framed;
