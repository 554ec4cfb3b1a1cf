-- The records of egvs that say from when to when a sensor was worn: of each transmitter
-- where a run begins, with the record before, and the last one. Of one month's data
-- files these are few rows, which sensor_sessions chains. Of sensor_worn it takes the
-- whole time of each transmitter.
--
-- Records are looked at one after the other only within 6 hours in which something may
-- begin: where of three half hours in a row two have none, or ticks are few. Of all others
-- the first and the last ones tell.
with records as not materialized (
    select participant_id, transmitter_id, transmitter_generation, transmitter_ticks, system_time, display_time,
        time_bucket(interval 6 hour, system_time) as stretch,
    from egvs
    where vanished_at is null
        and transmitter_id is not null
    union all
    select e.participant_id, null, e.transmitter_generation, null, e.system_time, e.display_time,
        time_bucket(interval 6 hour, e.system_time),
    from egvs e
    anti join sensor_worn w
        on w.participant_id = e.participant_id
        and w.transmitter_id is not null
        and e.system_time between w.first_time and w.last_time
    where e.vanished_at is null
        and e.transmitter_id is null
),
counted as (
    select
        participant_id, transmitter_id, stretch,
        count(*) as n_records,
        min(system_time) as first_time,
        max(system_time) as last_time,
        min(nullif(transmitter_ticks, 0)) as least_ticks,
        bit_or(1 << (epoch_us(system_time) - epoch_us(stretch)) // 1_800_000_000) as filled,
    from records
    group by participant_id, transmitter_id, stretch
),
stretches as (
    select
        participant_id, transmitter_id, stretch, n_records, first_time, last_time,
        sum(n_records) over (partition by participant_id, transmitter_id order by stretch) - n_records as n_before,
        (epoch_us(first_time) - epoch_us(stretch)) // 1_800_000_000 as first_half,
        (epoch_us(last_time) - epoch_us(stretch)) // 1_800_000_000 as last_half,
        -- A silence of less than 90 minutes is none, and ticks start anew below it and an hour.
        coalesce(least_ticks > 9000, true)
            and bit_count((filled | (filled << 1)) & ((1 << (last_half + 1)) - 1)) = last_half - first_half + 1 as is_steady,
    from counted
),
looked_at as (
    select
        r.participant_id, r.transmitter_id, r.transmitter_generation, r.transmitter_ticks, r.system_time, r.display_time,
        s.stretch, s.n_records, s.n_before,
        s.is_steady and r.system_time = s.last_time and s.first_time < s.last_time as goes_on,
    from records r
    join stretches s on s.participant_id = r.participant_id
        and s.transmitter_id is not distinct from r.transmitter_id
        and s.stretch = r.stretch
    where not s.is_steady
        or r.system_time in (s.first_time, s.last_time)
),
spaced as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, stretch, n_before, n_records, goes_on,
        row_number() over series as number,
        nullif(transmitter_ticks, 0) as ticks,
        if(goes_on, null, lag(system_time) over series) as before_time,
        if(goes_on, null, lag(display_time) over series) as before_local,
        if(goes_on, null, lag(ticks) over series) as before_ticks,
        lead(system_time) over series is null as is_last,
        {sensor_silence} as silence_s,
        {sensor_restarts} as is_restart,
    from looked_at
    -- Numbers are sorted in less time than texts. Records that are equal in all three are
    -- the same here, whichever comes first.
    window series as (partition by participant_id, hash(transmitter_id) order by system_time, transmitter_ticks, display_time, transmitter_generation)
),
-- Those that nobody looked at are before those that go on.
placed as (
    select
        participant_id, transmitter_id, transmitter_generation, system_time, display_time, ticks, before_time, before_local, before_ticks,
        is_last, is_restart, silence_s,
        (n_before + number - min(number) over stretches + 1 + if(goes_on, n_records - count(*) over stretches, 0))::bigint as place,
    from spaced
    window stretches as (partition by participant_id, hash(transmitter_id), stretch)
)
select participant_id, transmitter_id, transmitter_generation, system_time, display_time, place, ticks, before_time, before_local, before_ticks, is_last,
from placed
where place = 1
    or is_last
    or {sensor_begins}
