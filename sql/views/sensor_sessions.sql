-- sensor_sessions: which sensor was worn when.
--
-- Grain    one row per participant_id and session_start, in order of session
-- Source   egvs present in the newest answers
-- Units    times UTC and the wall clock; ticks are seconds
-- Rules    a sensor ends, and the next one begins, with another transmitter; with
--          ticks that start anew, of a transmitter that was started after its
--          record before; and after a silence of 110 min or more, the two-hour
--          warm-up less a margin. Transmitters of G7 are part of one sensor and
--          have no warm-up of another, so that a silence ends nothing there; of
--          all others a loss of signal that long looks like a warm-up
-- Beside   no two sensors overlap: one ends where the next begins. What began
--          later and ended earlier than another sensor, such as a stray record
--          of an older transmitter, is none. Records without a transmitter_id
--          are of the sensor of a transmitter from whose first to last one they
--          come, or that they follow, or precede, with less than 110 min between
-- Nulls    transmitter_id where none was sent; *_local where the first or last
--          record has no display_time
-- Columns
--   participant_id         study pseudonym from the roster
--   session                1 for the participant's first sensor, by session_start
--   transmitter_id         hashed by Dexcom; null when none was sent
--   transmitter_generation of the session's first record
--   session_start          UTC; first record
--   session_end            UTC; last record so far, or the start of the next session where that is earlier
--   session_start_local    wall clock of session_start
--   session_end_local      wall clock of session_end
--   n_records              records of egvs with its transmitter_id, those of two display devices both counted
--   boundary               how its start was found: first (of the participant), transmitter (another one), ticks (started anew), silence (as long as a warm-up)
create or replace view sensor_sessions as
with sensor_worn as (
{sensor_worn}
),
sensor_marks as (
{sensor_marks}
),
-- Marks of one month know what is before in that month.
chained as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, ticks,
        if(place = 1, lag(system_time) over series, before_time) as before_time,
        if(place = 1, lag(display_time) over series, before_local) as before_local,
        if(place = 1, lag(ticks) over series, before_ticks) as before_ticks,
        place + coalesce(sum(if(is_last, place, 0)) over before, 0)::bigint as place,
        lead(system_time) over series is null as is_last,
    from sensor_marks
    window series as (partition by participant_id, transmitter_id order by system_time, place),
        before as (partition by participant_id, transmitter_id order by system_time, place rows between unbounded preceding and 1 preceding)
),
spaced as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, place, before_time, before_local, is_last,
        {sensor_silence} as silence_s,
        {sensor_restarts} as is_restart,
        place = 1 or {sensor_begins} as begins,
    from chained
),
-- Where a run begins, and the last ones. What ends at each is the run
-- before it, or with the last one its own.
marks as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, place, is_restart, begins,
        if(begins, before_time, system_time) as ended_time,
        if(begins, before_local, display_time) as ended_local,
        if(begins, place - 1, place) as ended_place,
    from spaced
    where begins or is_last
),
ended as (
    select
        participant_id, transmitter_id, transmitter_generation, is_restart, begins,
        system_time as first_time,
        display_time as first_local,
        lead(ended_place) over series is null as is_alone,
        if(is_alone, system_time, lead(ended_time) over series) as last_time,
        if(is_alone, display_time, lead(ended_local) over series) as last_local,
        if(is_alone, 1, lead(ended_place) over series - place + 1) as n_records,
    from marks
    window series as (partition by participant_id, transmitter_id order by place)
),
runs as (
    select participant_id, transmitter_id, transmitter_generation, is_restart, first_time, last_time, first_local, last_local, n_records,
    from ended
    where begins
),
lasting as (
    select participant_id, transmitter_id, transmitter_generation, is_restart, first_time, last_time, first_local, last_local, n_records,
    from runs
    qualify coalesce(last_time > max(last_time) over (
        partition by participant_id order by first_time, last_time desc, transmitter_id
        rows between unbounded preceding and 1 preceding
    ), true)
),
joined as (
    select
        participant_id, transmitter_generation, is_restart, first_time, last_time, first_local, last_local,
        case
            when transmitter_id is not null then transmitter_id
            when first_time - lag(last_time) over series < interval 110 minute then lag(transmitter_id) over series
            when lead(first_time) over series - last_time < interval 110 minute then lead(transmitter_id) over series
        end as sensor_id,
        if(transmitter_id is null and sensor_id is not null, 0, n_records) as n_records,
    from lasting
    window series as (partition by participant_id order by first_time)
),
bounded as (
    select
        participant_id, sensor_id, transmitter_generation, first_time, last_time, first_local, last_local, n_records,
        case
            when row_number() over series = 1 then 'first'
            when sensor_id is distinct from lag(sensor_id) over series then 'transmitter'
            when is_restart then 'ticks'
            when first_time - lag(last_time) over series < interval 110 minute then null
            when sensor_id is null or transmitter_generation ilike 'g7%' is not true then 'silence'
        end as boundary,
    from joined
    window series as (partition by participant_id order by first_time)
),
sessioned as (
    select
        participant_id, sensor_id, transmitter_generation, first_time, last_time, first_local, last_local, n_records, boundary,
        count(boundary) over (partition by participant_id order by first_time) as session,
    from bounded
),
sessions as (
    select
        participant_id, session,
        any_value(sensor_id) as transmitter_id,
        arg_min(transmitter_generation, first_time) as transmitter_generation,
        min(first_time) as session_start,
        max(last_time) as last_time,
        arg_min_null(first_local, first_time) as session_start_local,
        arg_max_null(last_local, last_time) as last_local,
        sum(n_records)::bigint as n_records,
        any_value(boundary) as boundary,
    from sessioned
    group by participant_id, session
)
select
    participant_id,
    session,
    transmitter_id,
    transmitter_generation,
    session_start,
    least(last_time, lead(session_start) over sensors) as session_end,
    session_start_local,
    if(session_end < last_time, lead(session_start_local) over sensors, last_local) as session_end_local,
    n_records,
    boundary,
from sessions
-- Another name than in other views: run as one script, DuckDB takes two for one.
window sensors as (partition by participant_id order by session);
