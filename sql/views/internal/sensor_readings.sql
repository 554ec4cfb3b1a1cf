-- internal.sensor_readings: readings by the sensor that was worn.
--
-- Grain    one row per participant_id and time_utc of glucose in a session
-- Source   glucose, sensor_sessions; of a moment at which one sensor ends and the
--          next begins, it is the next
-- Units    mg/dL; times UTC and local
-- Nulls    as in glucose
-- Columns
--   participant_id         study pseudonym from the roster
--   session                see sensor_sessions
--   session_start          see sensor_sessions
--   session_end            see sensor_sessions
--   time_utc               see glucose
--   local_time             see glucose
--   local_date             see glucose
--   glucose_mgdl           see glucose
--   glucose_source         see glucose
--   overlap                see glucose
--   clock_suspect          see glucose
--   cadence_min            see glucose
--   excluded               see glucose
create or replace view internal.sensor_readings as
select
    g.participant_id,
    w.session,
    w.session_start,
    w.session_end,
    g.time_utc,
    g.local_time,
    g.local_date,
    g.glucose_mgdl,
    g.glucose_source,
    g.overlap,
    g.clock_suspect,
    g.cadence_min,
    g.excluded,
from main.glucose g
asof join main.sensor_sessions w
    on w.participant_id = g.participant_id
    and w.session_start <= g.time_utc
where g.time_utc <= w.session_end;
