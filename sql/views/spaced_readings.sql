-- spaced_readings: glucose without what metrics leave out, each value beside the
-- one before it.
--
-- Grain    one row per participant_id and time_utc of glucose
-- Source   glucose, exclusions, metric_preset
-- Units    glucose mg/dL
-- Rules    an excluded reading keeps its row, to be counted, and loses its
--          value; preset iglu drops the 39 and 401 that stand for a null value,
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
--   is_excluded            local_time lies in an interval of exclusions
--   overlap                see glucose
--   clock_suspect          see glucose
--   is_implausible         glucose_source is implausible
--   previous_utc           UTC of the participant's value before this one
--   previous_date          local date of that value
--   previous_slot_min      minutes that value stands for
create or replace view spaced_readings as
with marked as (
    select
        participant_id, from_local, to_local,
        coalesce(from_local > max(to_local) over (
            partition by participant_id order by from_local, to_local
            rows between unbounded preceding and 1 preceding
        ), true) as opens,
    from exclusions
    where from_local < to_local
),
numbered as (
    select
        participant_id, from_local, to_local,
        count(*) filter (where opens) over (partition by participant_id order by from_local, to_local) as island,
    from marked
),
-- Merged, so that no reading meets two intervals.
excluded as (
    select participant_id, min(from_local) as from_local, max(to_local) as to_local,
    from numbered
    group by participant_id, island
),
readings as (
    select
        g.participant_id, g.time_utc, g.local_time, g.local_date, g.overlap, g.clock_suspect,
        e.participant_id is not null as is_excluded,
        g.glucose_mgdl is null and coalesce(g.glucose_source = 'implausible', false) as is_implausible,
        if(p.preset = 'iglu', 5, coalesce(g.cadence_min, 5))::integer as slot_min,
        case
            when e.participant_id is not null then null
            when p.preset = 'iglu' and g.glucose_source = 'status' then null
            else g.glucose_mgdl::double
        end as glucose_mgdl,
    from glucose g
    cross join metric_preset p
    left join excluded e
        on e.participant_id = g.participant_id
        and g.local_time >= e.from_local
        and g.local_time < e.to_local
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
