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
--   is_whole_day           the sensor was worn all of its day of UTC
create or replace view internal.sensor_readings as
-- Of everybody's day there are few sensors: for an asof join DuckDB sorts all readings.
with sessions as (
    select
        participant_id, session, session_start, session_end,
        lead(session_start) over (partition by participant_id order by session) as next_start,
    from main.sensor_sessions
),
days as (
    select
        participant_id, session, session_start, session_end, next_start,
        unnest(generate_series(date_trunc('day', session_start), session_end, interval 1 day)) as day,
        session_start <= day and day + interval 1 day <= session_end as is_whole_day,
    from sessions
)
select
    g.participant_id,
    d.session,
    d.session_start,
    d.session_end,
    g.time_utc,
    g.local_time,
    g.local_date,
    g.glucose_mgdl,
    g.glucose_source,
    g.overlap,
    g.clock_suspect,
    g.cadence_min,
    g.excluded,
    d.is_whole_day,
from main.glucose g
join days d on d.participant_id = g.participant_id and d.day = date_trunc('day', g.time_utc)
where g.time_utc between d.session_start and d.session_end
    and (d.next_start is null or g.time_utc < d.next_start);
