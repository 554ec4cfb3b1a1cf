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
with worn as (
    select participant_id, min(system_time) as first_time, max(system_time) as last_time,
    from egvs
    where vanished_at is null
        and transmitter_id is not null
    group by participant_id, transmitter_id
),
records as (
    select participant_id, transmitter_id, transmitter_generation, transmitter_ticks, system_time, display_time,
    from egvs
    where vanished_at is null
        and transmitter_id is not null
    union all
    select e.participant_id, null, e.transmitter_generation, null, e.system_time, e.display_time,
    from egvs e
    anti join worn w
        on w.participant_id = e.participant_id
        and e.system_time between w.first_time and w.last_time
    where e.vanished_at is null
        and e.transmitter_id is null
),
spaced as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time,
        row_number() over series as place,
        lag(system_time) over series as before_time,
        lag(display_time) over series as before_local,
        lead(system_time) over series is null as is_last,
        (epoch_us(system_time) - epoch_us(before_time)) / 1e6 as silence_s,
        nullif(transmitter_ticks, 0) as ticks,
        -- An hour either way is the difference of two display devices' clocks.
        coalesce(
            ticks <= silence_s + 3600 and (lag(ticks) over series - ticks > 3600 or ticks < silence_s - 3600),
            false
        ) as is_restart,
        place = 1 or is_restart or silence_s >= 6600 as begins,
    from records
    -- Numbers are sorted in less time than texts. Records that are equal in all three are
    -- the same here, whichever comes first.
    window series as (partition by participant_id, hash(transmitter_id) order by system_time, transmitter_ticks, display_time, transmitter_generation)
),
-- Few rows: where a run begins, and the last ones. What ends at each is the run
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
