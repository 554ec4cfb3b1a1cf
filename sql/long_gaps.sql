-- long_gaps: the rows of gaps that last longer than 3 hours.
--
-- Grain    as gaps
-- Source   glucose_days says on which days such a gap may begin or end; readings of no
--          other days are read, so that it takes a part of the time of gaps
-- Rules    a day is thin if an hour of it or more has no value, or if the day before or
--          after it has no row: a gap of 3 hours takes an hour and a half of one of its
--          days at least, less what a slot is longer than the time between two readings.
--          The days beside a thin one are read too, because a kind depends on the readings
--          around a gap. Transmitters are only held against each other: by their hashes,
--          which take an eighth of the memory
with covered as (
    select
        participant_id,
        day,
        sum(n_slots * cadence_min) <= 1380
            or lag(day) over days is distinct from day - interval 1 day
            or lead(day) over days is distinct from day + interval 1 day as is_thin,
    from main.glucose_days
    where {among}
    group by participant_id, day
    window days as (partition by participant_id order by day)
),
looked_at as (
    select
        participant_id,
        day,
        bool_or(is_thin) over (partition by participant_id order by day rows between 1 preceding and 1 following) as is_read,
    from covered
),
glucose as (
    select g.participant_id, g.time_utc, g.local_time, g.glucose_mgdl, g.cadence_min,
        if(g.transmitter_id is null, null, hash(g.transmitter_id)) as transmitter_id,
    from main.glucose g
    semi join (select participant_id, day from looked_at where is_read) l
        on l.participant_id = g.participant_id
        and l.day = date_trunc('day', g.time_utc)
    where {among}
),
found as (
{gaps}
)
-- Between two groups of such days there is no gap, only days that were not read.
select f.participant_id, f.gap_start, f.gap_end, f.gap_start_local, f.gap_end_local, f.gap_min, f.missing_readings, f.kind,
from found f
anti join (select participant_id, day from looked_at where not is_read) l
    on l.participant_id = f.participant_id
    and l.day > f.gap_start
    and l.day + interval 1 day <= f.gap_end
where (f.gap_min > 180 or f.kind = 'never') and {among}
