-- internal.linked_days: glucose_days, each row with the way to its first value.
--
-- Grain    one row per row of glucose_days
-- Source   glucose_days, metric_preset
-- Units    glucose mg/dL; *_us are microseconds
-- Rules    the value before the first one of a row is the last one of the rows that
--          begin before it. Gaps inside a day of UTC are in glucose_days; here
--          the one that leads into the day is with them, in the row that begins it
-- Nulls    first_gap_us and first_step_min of rows that do not count, of a
--          participant's first value, and where rows overlap
-- Columns
--   participant_id         study pseudonym from the roster
--   local_date             see glucose_days
--   excluded               see glucose_days
--   cadence_min            minutes that each value stands for
--   n_readings             see glucose_days
--   n_values               see glucose_days
--   sum_mgdl               see glucose_days
--   sum_mgdl2              see glucose_days
--   low_mgdl               smallest value
--   high_mgdl              largest value
--   n_overlap              see glucose_days
--   n_clock_suspect        see glucose_days
--   n_slots                see glucose_days
--   slot_min               width of these slots: cadence_min, but 5 by preset iglu
--   first_utc              see glucose_days
--   last_utc               see glucose_days
--   first_local            see glucose_days
--   last_local             see glucose_days
--   linked_us              what lies between the values of the row and those before them
--   wide_us                of it, what is wider than the values' cadence
--   wide_min               minutes of it that the values' cadence covers
--   first_gap_us           what lies between the first value and the one before it
--   first_step_min         minutes of it that the values' cadence covers
--   first_is_wide          it is wider than that
create or replace view internal.linked_days as
-- Of the lists only their ends are sorted.
with ended as (
    select
        participant_id, day, local_date, excluded, cadence_min, n_readings, n_values, sum_mgdl, sum_mgdl2,
        n_overlap, n_clock_suspect, n_slots, first_utc, last_utc, first_local, last_local,
        linked_us, wide_us, wide_min,
        glucose_mgdl[1] as low_mgdl,
        glucose_mgdl[-1] as high_mgdl,
        excluded is null and n_values > 0 as is_counted,
    from main.glucose_days
),
chained as (
    select
        participant_id, local_date, excluded, cadence_min, n_readings, n_values, sum_mgdl, sum_mgdl2,
        n_overlap, n_clock_suspect, n_slots, first_utc, last_utc, first_local, last_local,
        linked_us, wide_us, wide_min,
        low_mgdl, high_mgdl,
        epoch_us(first_utc) - epoch_us(max(last_utc) over before) as way_us,
        if(is_counted and way_us > 0, way_us, null) as first_gap_us,
        greatest(cadence_min, arg_max(cadence_min, last_utc) over before) as first_step_min,
        coalesce(round_even(first_gap_us / 6e7, 0) > first_step_min, false) as first_is_wide,
        first_gap_us is not null and day is distinct from lag(day) over before as opens_day,
    from ended
    window before as (
        partition by participant_id, is_counted
        order by first_utc
        rows between unbounded preceding and 1 preceding
    )
)
select
    c.participant_id,
    c.local_date,
    c.excluded,
    c.cadence_min,
    c.n_readings,
    c.n_values,
    c.sum_mgdl,
    c.sum_mgdl2,
    c.low_mgdl,
    c.high_mgdl,
    c.n_overlap,
    c.n_clock_suspect,
    c.n_slots,
    if(p.preset = 'iglu', 5, c.cadence_min)::smallint as slot_min,
    c.first_utc,
    c.last_utc,
    c.first_local,
    c.last_local,
    c.linked_us + if(c.opens_day, c.first_gap_us, 0) as linked_us,
    c.wide_us + if(c.opens_day and c.first_is_wide, c.first_gap_us, 0) as wide_us,
    c.wide_min + if(c.opens_day and c.first_is_wide, c.first_step_min, 0) as wide_min,
    c.first_gap_us,
    c.first_step_min,
    c.first_is_wide,
from chained c
cross join main.metric_preset p;
