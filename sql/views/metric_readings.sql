-- metric_readings: the readings of every scope of metric_scopes.
--
-- Grain    one row per scope and reading of its participant and dates
-- Source   spaced_readings, metric_scopes, metric_preset
-- Units    glucose mg/dL
-- Rules    readings without local time belong only to scopes without bounds
--          (takes_unknown)
-- Nulls    glucose_mgdl for readings without a value and for excluded ones;
--          previous_utc where the value before lies outside the scope
-- Columns
--   participant_id         study pseudonym from the roster
--   scope                  see metric_scopes
--   label                  see metric_scopes
--   first_date             first local date of the scope
--   is_mixed               see study_intervals
--   cadence_min            minutes the reading stands for: slot_min; by preset iglu those of study_intervals
--   slot_min               see spaced_readings
--   time_utc               UTC
--   local_time             wall clock; null if unknown
--   local_date             date of local_time
--   glucose_mgdl           mg/dL as a double
--   is_excluded            see spaced_readings
--   overlap                see glucose
--   clock_suspect          see glucose
--   is_implausible         see spaced_readings
--   previous_utc           UTC of the value before this one, if it is in the scope too
--   previous_cadence_min   minutes that the value before stands for
create or replace view metric_readings as
with scope_dates as (
    select
        participant_id, scope, label, first_date, last_date, takes_unknown, is_mixed, cadence_min,
        unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as local_date,
    from metric_scopes
    union all
    select participant_id, scope, label, first_date, last_date, takes_unknown, is_mixed, cadence_min, null,
    from metric_scopes
    where takes_unknown
)
select
    r.participant_id,
    s.scope,
    s.label,
    s.first_date,
    s.is_mixed,
    if(p.preset = 'iglu', s.cadence_min, r.slot_min) as cadence_min,
    r.slot_min,
    r.time_utc,
    r.local_time,
    r.local_date,
    r.glucose_mgdl,
    r.is_excluded,
    r.overlap,
    r.clock_suspect,
    r.is_implausible,
    if(s.takes_unknown or r.previous_date between s.first_date and s.last_date, r.previous_utc, null) as previous_utc,
    if(p.preset = 'iglu', s.cadence_min, r.previous_slot_min) as previous_cadence_min,
from spaced_readings r
join scope_dates s
    on s.participant_id = r.participant_id
    and s.local_date is not distinct from r.local_date
cross join metric_preset p;
