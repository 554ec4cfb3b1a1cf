-- internal.local_days: what adds up of glucose, by local date.
--
-- Grain    one row per participant_id and local_date with a reading
-- Source   summed_days, participants, glucose_days, metric_preset, metric_settings
-- Units    glucose mg/dL; *_us are microseconds
-- Rules    the length of a date is that of the roster's time zone; without one, the
--          offsets of its readings say it
-- Nulls    local_date of readings without local time; is_valid and risk_range of
--          those and of dates without a value
-- Columns
--   participant_id         study pseudonym from the roster
--   local_date             see glucose_days
--   n_readings             readings outside exclusions
--   n_values               values that count; all that follows but counts of readings is of them
--   n_excluded             readings inside exclusions
--   n_implausible          readings with what is no value
--   n_low_left_out         values of 39 that do not count
--   n_high_left_out        values of 401 that do not count
--   n_clock_suspect        readings whose wall clock is doubtful
--   n_overlap              readings taken while another transmitter was running
--   total                  sum of the values
--   squares                sum of their squares
--   n_of_1                 values that stand for 1 minute
--   n_of_15                values that stand for 15 minutes
--   n_slots                see glucose_days
--   covered_min            minutes that these slots cover
--   first_utc              the first value
--   last_utc               the last value
--   first_local            wall clock of first_utc
--   last_local             wall clock of last_utc
--   linked_us              see linked_days
--   wide_us                see linked_days
--   wide_min               see linked_days
--   first_gap_us           see linked_days; of the first value
--   first_step_min         see linked_days; of the first value
--   first_is_wide          see linked_days; of the first value
--   is_valid               slots cover at least min_active_pct of the date
--   risk_range             highest risk of a low plus highest risk of a high, 1e-15
create or replace view internal.local_days as
-- Zones are few, and dear to compute.
with calendar as (
    select
        z.timezone,
        d.local_date,
        ({begins z.timezone, d.local_date + interval 1 day} - {begins z.timezone, d.local_date}) // 60_000_000 as day_min,
    from (select distinct timezone from main.participants where timezone in (select name from pg_timezone_names())) as z
    cross join (
        select unnest(generate_series(min(local_date)::timestamp, max(local_date)::timestamp, interval 1 day)) as local_date,
        from main.glucose_days
    ) as d
),
lasting as (
    select
        d.participant_id, d.local_date, d.n_readings, d.n_values, d.n_excluded, d.n_implausible, d.n_low_left_out, d.n_high_left_out,
        d.n_clock_suspect, d.n_overlap, d.total, d.squares, d.n_of_1, d.n_of_15, d.n_slots, d.covered_min,
        d.first_utc, d.last_utc, d.first_local, d.last_local, d.linked_us, d.wide_us, d.wide_min,
        d.first_gap_us, d.first_step_min, d.first_is_wide, t.min_active_pct,
        d.local_date is not null and d.n_values > 0 as is_lived,
        coalesce(
            c.day_min,
            1440 - (epoch_us(d.last_local) - epoch_us(d.last_utc) - epoch_us(d.first_local) + epoch_us(d.first_utc)) // 60_000_000
        ) // 5 * 5 as length_min,
        if(p.preset = 'iglu', 22.77::double, 10 * 1.509::double ** 2) as scale,
        ln(greatest(if(p.sentinels = '40-400' and d.low_mgdl = 39, 40, d.low_mgdl), 1)) ** 1.084 - 5.381 as lowest_risk,
        ln(greatest(if(p.sentinels = '40-400' and d.high_mgdl = 401, 400, d.high_mgdl), 1)) ** 1.084 - 5.381 as highest_risk,
    from internal.summed_days d
    cross join main.metric_preset p
    cross join internal.metric_settings t
    left join main.participants r on r.participant_id = d.participant_id
    left join calendar c on c.timezone = r.timezone and c.local_date = d.local_date
)
select
    participant_id, local_date, n_readings, n_values, n_excluded, n_implausible, n_low_left_out, n_high_left_out,
    n_clock_suspect, n_overlap, total, squares, n_of_1, n_of_15, n_slots, covered_min,
    first_utc, last_utc, first_local, last_local, linked_us, wide_us, wide_min,
    first_gap_us, first_step_min, first_is_wide,
    if(is_lived, covered_min * 100 >= min_active_pct * length_min, null) as is_valid,
    if(
        is_lived,
        {risk_range},
        null
    ) as risk_range,
from lasting;
