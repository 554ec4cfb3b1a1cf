-- The records of egvs that say from when to when a sensor was worn: of each transmitter
-- where a run begins, with the record before, and the last one. Of one month's data
-- files these are few rows, which sensor_sessions chains. Of sensor_worn it takes the
-- whole time of each transmitter.
with records as (
    select participant_id, transmitter_id, transmitter_generation, transmitter_ticks, system_time, display_time,
    from egvs
    where vanished_at is null
        and transmitter_id is not null
    union all
    select e.participant_id, null, e.transmitter_generation, null, e.system_time, e.display_time,
    from egvs e
    anti join sensor_worn w
        on w.participant_id = e.participant_id
        and w.transmitter_id is not null
        and e.system_time between w.first_time and w.last_time
    where e.vanished_at is null
        and e.transmitter_id is null
),
spaced as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time,
        row_number() over series as place,
        nullif(transmitter_ticks, 0) as ticks,
        lag(system_time) over series as before_time,
        lag(display_time) over series as before_local,
        lag(ticks) over series as before_ticks,
        lead(system_time) over series is null as is_last,
        {sensor_silence} as silence_s,
        {sensor_restarts} as is_restart,
    from records
    -- Numbers are sorted in less time than texts. Records that are equal in all three are
    -- the same here, whichever comes first.
    window series as (partition by participant_id, hash(transmitter_id) order by system_time, transmitter_ticks, display_time, transmitter_generation)
)
select participant_id, transmitter_id, transmitter_generation, system_time, display_time, place, ticks, before_time, before_local, before_ticks, is_last,
from spaced
where place = 1
    or is_last
    or {sensor_begins}
