-- spaced_readings: glucose without what metrics leave out, each value beside the
-- one before it.
--
-- Grain    one row per participant_id and time_utc of glucose
-- Source   glucose, metric_preset
-- Units    glucose mg/dL
-- Rules    a reading with something in excluded keeps its row, to be counted, and
--          has no value; preset iglu drops the 39 and 401 that stand for a null value,
--          as iglu's reader does, and has slots of 5 minutes only
-- Nulls    glucose_mgdl for readings without a value and for excluded ones;
--          previous_* for these, and for a participant's first value
-- Columns
--   participant_id         study pseudonym from the roster
--   time_utc               UTC
--   local_time             wall clock; null if unknown
--   local_date             date of local_time
--   glucose_mgdl           mg/dL as a double
--   slot_min               minutes the reading stands for: cadence_min of glucose, 5 where that is null
--   is_excluded            excluded of glucose is exclusion
--   overlap                see glucose
--   clock_suspect          see glucose
--   is_implausible         excluded of glucose is implausible
--   previous_utc           UTC of the participant's value before this one
--   previous_date          local date of that value
--   previous_slot_min      minutes that value stands for
create or replace view spaced_readings as
with readings as (
    select
        g.participant_id, g.time_utc, g.local_time, g.local_date, g.overlap, g.clock_suspect,
        g.excluded is not distinct from 'exclusion' as is_excluded,
        g.excluded is not distinct from 'implausible' as is_implausible,
        if(p.preset = 'iglu', 5, coalesce(g.cadence_min, 5))::integer as slot_min,
        if(
            g.excluded is null and (p.preset <> 'iglu' or g.glucose_source is distinct from 'status'),
            g.glucose_mgdl::double,
            null
        ) as glucose_mgdl,
    from glucose g
    cross join metric_preset p
)
select
    participant_id,
    time_utc,
    local_time,
    local_date,
    glucose_mgdl,
    slot_min,
    is_excluded,
    overlap,
    clock_suspect,
    is_implausible,
    if(glucose_mgdl is not null, lag(time_utc) over series, null) as previous_utc,
    if(glucose_mgdl is not null, lag(local_date) over series, null) as previous_date,
    if(glucose_mgdl is not null, lag(slot_min) over series, null) as previous_slot_min,
from readings
window series as (partition by participant_id, glucose_mgdl is null order by time_utc);
