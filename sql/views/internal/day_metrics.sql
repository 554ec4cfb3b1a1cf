-- internal.day_metrics: the metrics of each local day of a study.
--
-- Grain    one row per participant_id and date of study_intervals
-- Source   study_intervals, summed_days, day_values, metric_preset, metric_settings
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, except
--          active_*_pct; *_min are minutes
-- Rules    those of scope_metrics, whose formulas these are; but nothing has to be added
--          up, and what is about a day is computed for those alone that are asked for
-- Nulls    as in scope_metrics
-- Columns  as in metric_catalogue, and
--   participant_id         study pseudonym from the roster
--   scope                  day
--   label                  empty
create or replace view internal.day_metrics as
-- Zones are dear to compute: each day ends where the next one begins, that after the last one, too.
with dated as (
    select
        participant_id, cadence_min, timezone, n_unknown_local_time, withdrawn_at, last_date,
        unnest(generate_series(first_date::timestamp, last_date::timestamp + interval 1 day, interval 1 day))::date as first_date,
    from main.study_intervals
),
begun as (
    select
        participant_id, cadence_min, n_unknown_local_time, withdrawn_at, last_date, first_date,
        {begins timezone, first_date} as first_us,
    from dated
),
days as (
    select
        participant_id, cadence_min, n_unknown_local_time, withdrawn_at, last_date, first_date, first_us,
        lead(first_us) over (partition by participant_id order by first_date) as next_us,
    from begun
),
counted as (
    select
        s.participant_id, s.first_date, s.cadence_min, s.n_unknown_local_time,
        d.n_readings, d.n_values, d.n_excluded, d.n_implausible, d.n_low_left_out, d.n_high_left_out, d.n_clock_suspect, d.n_overlap,
        d.n_of_1, d.n_of_15, d.n_slots, d.covered_min, d.total, d.squares, d.first_local, d.last_local,
        epoch_us(d.last_utc) - epoch_us(d.first_utc) as span_us,
        d.linked_us - d.first_gap_us as linked_us,
        d.wide_us - if(d.first_is_wide, d.first_gap_us, 0) as wide_us,
        d.wide_min - if(d.first_is_wide, d.first_step_min, 0) as wide_min,
        s.first_us, s.next_us,
        epoch_us(s.first_date::timestamp) as first_utc_us,
        epoch_us(s.first_date::timestamp + interval 1 day) as next_utc_us,
        1440 - coalesce(
            (epoch_us(d.last_local) - epoch_us(d.last_utc) - epoch_us(d.first_local) + epoch_us(d.first_utc)) // 60_000_000, 0
        ) as seen_min,
        epoch_us(s.withdrawn_at) as cut_us,
    from days s
    left join internal.summed_days d on d.participant_id = s.participant_id and d.local_date = s.first_date
    where s.first_date <= s.last_date
),
framed as (
    select
        c.participant_id, 'day' as scope, '' as label, c.first_date, c.first_date as last_date, c.cadence_min, c.n_unknown_local_time,
        c.n_readings, c.n_values, c.n_excluded, c.n_implausible, c.n_low_left_out, c.n_high_left_out, c.n_clock_suspect, c.n_overlap,
        c.n_of_1, c.n_values - c.n_of_1 - c.n_of_15 as n_of_5, c.n_of_15, c.n_slots, c.covered_min, c.total, c.squares,
        c.first_local, c.last_local, c.wide_min, c.span_us, c.wide_us - c.linked_us as apart_us,
        p.preset, p.sentinels, p.metrics_version, t.min_active_pct,
        t.episode_preset as episode_rules,
        (c.n_values > 0)::bigint as n_days,
        coalesce((c.next_us - c.first_us) // 60_000_000, c.seen_min) as day_min,
        (c.n_values > 0 and c.covered_min * 100 >= t.min_active_pct * (day_min // 5 * 5))::bigint as valid_days,
        -- Without what a withdrawal takes off.
        (day_min - if(
            c.cut_us between coalesce(c.first_us, c.first_utc_us) + 1 and coalesce(c.next_us, c.next_utc_us),
            (coalesce(c.next_us, c.next_utc_us) - c.cut_us + 59_999_999) // 60_000_000,
            0
        )) // 5 * 5 as scope_min,
    from counted c
    cross join main.metric_preset p
    cross join internal.metric_settings t
),
{day_formulas};
