-- sensor_sessions: which transmitter was running when.
--
-- Grain    one row per participant_id and session_start, in order of session
-- Source   egvs present in the newest answers
-- Units    times UTC and the wall clock; ticks are seconds
-- Rules    with a transmitter_id, a session lasts until the transmitter changes
--          or its ticks fall by more than an hour (it was started again; less
--          is the difference of two display devices' clocks). Without one, a
--          session ends where 110 min pass without a record: the two-hour
--          warm-up of the devices that send no id, less a margin
-- Nulls    transmitter_id where none was sent; *_local where the first or last
--          record has no display_time
-- Columns
--   participant_id         study pseudonym from the roster
--   session                1 for the participant's first session, by session_start
--   transmitter_id         hashed by Dexcom; null when none was sent
--   transmitter_generation of the session's first record
--   session_start          UTC; first record
--   session_end            UTC; last record so far
--   session_start_local    wall clock of session_start
--   session_end_local      wall clock of session_end
--   n_records              records of egvs, those of two display devices both counted
--   boundary               how the start was found: transmitter, inferred_gap
create or replace view sensor_sessions as
with spaced as (
    select
        participant_id, transmitter_id, transmitter_generation, transmitter_ticks, system_time, display_time, record_id,
        lag(transmitter_ticks) over series - transmitter_ticks > 3600 as restarted,
        epoch_us(system_time) - lag(epoch_us(system_time)) over series >= 6_600_000_000 as silent,
    from egvs
    where vanished_at is null
    window series as (partition by participant_id, transmitter_id order by system_time, record_id)
),
numbered as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, record_id,
        count(*) filter (where if(transmitter_id is null, silent, restarted)) over (
            partition by participant_id, transmitter_id order by system_time, record_id
            rows between unbounded preceding and current row
        ) as run,
    from spaced
),
sessions as (
    select
        participant_id, transmitter_id, run,
        arg_min(transmitter_generation, system_time) as transmitter_generation,
        min(system_time) as session_start,
        max(system_time) as session_end,
        arg_min(display_time, system_time) as session_start_local,
        arg_max(display_time, system_time) as session_end_local,
        count(*) as n_records,
    from numbered
    group by participant_id, transmitter_id, run
)
select
    participant_id,
    row_number() over (partition by participant_id order by session_start, transmitter_id, run) as session,
    transmitter_id,
    transmitter_generation,
    session_start,
    session_end,
    session_start_local,
    session_end_local,
    n_records,
    if(transmitter_id is null, 'inferred_gap', 'transmitter') as boundary,
from sessions;
