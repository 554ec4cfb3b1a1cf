-- current_events: the events that stand today.
--
-- Grain    one row per participant_id and record_id
-- Source   events, without those deleted by the person and those that a later
--          answer of the API lacked
-- Units    value in unit
-- Nulls    value where value_text is no number, unit for events without one
-- Columns
--   participant_id         study pseudonym from the roster
--   record_id              see events
--   system_time            UTC by the device's clock; when it happened
--   display_time           wall clock; when it happened
--   event_type             insulin, carbs, exercise, health, bloodGlucose, notes, unknown, or as sent
--   event_subtype          as in events
--   value                  in unit; null where value_text is no number
--   value_text             the value exactly as sent; null for notes
--   unit                   units, grams, minutes, mg/dL, unknown, or as sent
--   event_status           created, updated, or as sent
--   recorded_system_time   UTC by the device's clock; when the entry was made
--   recorded_display_time  wall clock when the entry was made
create or replace view current_events as
select
    participant_id,
    record_id,
    system_time,
    display_time,
    event_type,
    event_subtype,
    value,
    value_text,
    unit,
    event_status,
    recorded_system_time,
    recorded_display_time,
from events
where vanished_at is null
    and event_status is distinct from 'deleted';
