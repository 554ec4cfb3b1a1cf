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
        b.participant_id, b.scope, b.label, b.part, b.first_date, b.last_date, b.cadence_min, b.n_unknown_local_time,
        b.n_readings, b.n_values, b.n_excluded, b.n_implausible, b.n_low_left_out, b.n_high_left_out, b.n_clock_suspect, b.n_overlap,
        b.n_of_1, b.n_of_5, b.n_of_15, b.n_slots, b.covered_min, b.n_days, b.valid_days, b.adrr, b.total, b.squares,
        b.first_local, b.last_local, b.wide_min, b.span_us, b.apart_us,
        p.preset, p.sentinels, p.metrics_version, t.min_active_pct,
        t.episode_preset as episode_rules,
        -- Without what a withdrawal takes off.
        coalesce(b.length_min, (coalesce((b.next_us - b.first_us) // 60_000_000, b.seen_min) - if(
            b.cut_us between coalesce(b.first_us, b.first_utc_us) + 1 and coalesce(b.next_us, b.next_utc_us),
            (coalesce(b.next_us, b.next_utc_us) - b.cut_us + 59_999_999) // 60_000_000,
            0
        )) // 5 * 5) as scope_min,
    from bounded b
    cross join main.metric_preset p
    cross join internal.metric_settings t
),
{scope_formulas};
