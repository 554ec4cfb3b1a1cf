-- glucose_days: what adds up of glucose, by participant, day of UTC and local date.
--
-- The table of the lake, as a query over glucose: for snapshots that lack it, files
-- that never saw a lake, and rules of metric_preset other than its own. A row for
-- whatever is the same in participant_id, day, local_date, excluded and cadence_min.
-- By preset iglu a value that stands for a null has none, and cadence_min is the median
-- gap between a participant's values, while slots are 5 minutes wide. Sentinels
-- that are left out say so in excluded.
with chosen as not materialized (
    select
        g.participant_id,
        date_trunc('day', g.time_utc)::timestamp as day,
        g.local_date,
        p.preset = 'iglu' and g.glucose_source is not distinct from 'status' as is_none,
        case
            when g.excluded is not null or p.sentinels <> 'exclude' or is_none then g.excluded
            when g.glucose_mgdl = 39 then 'low_sentinel'
            when g.glucose_mgdl = 401 then 'high_sentinel'
        end as excluded,
        coalesce(g.cadence_min, 5)::smallint as kept_min,
        g.time_utc,
        g.local_time,
        if(is_none, null, g.glucose_mgdl) as glucose_mgdl,
        g.glucose_source is not distinct from 'status' as is_status,
        g.overlap,
        g.clock_suspect,
        p.preset = 'iglu' as is_iglu,
    from main.glucose g
    cross join main.metric_preset p
),
-- Empty, and not computed, but by preset iglu.
stepped as (
    select
        participant_id,
        greatest(1, round_even(median(gap_us / 6e7), 0))::smallint as step_min,
    from (
        select
            participant_id,
            epoch_us(time_utc) - lag(epoch_us(time_utc)) over (partition by participant_id order by time_utc) as gap_us,
        from chosen
        where is_iglu and excluded is null and glucose_mgdl is not null
    )
    where gap_us is not null
    group by participant_id
),
kept as (
    select
        c.participant_id, c.day, c.local_date, c.excluded, c.time_utc, c.local_time, c.glucose_mgdl, c.is_status, c.overlap, c.clock_suspect,
        if(c.is_iglu, coalesce(s.step_min, 5), c.kept_min)::smallint as cadence_min,
        epoch_us(c.time_utc) // (60_000_000::bigint * if(c.is_iglu, 5, c.kept_min)) as slot,
        c.glucose_mgdl is not null and c.excluded is null as counts,
    from chosen c
    left join stepped s on s.participant_id = c.participant_id
),
spaced as (
    select
        participant_id, day, local_date, excluded, cadence_min, time_utc, local_time, glucose_mgdl, is_status, overlap, clock_suspect,
        if(counts, epoch_us(time_utc) - epoch_us(lag(time_utc) over series), null) as gap_us,
        greatest(cadence_min, lag(cadence_min) over series) as step_min,
        round_even(gap_us / 6e7, 0) > step_min as is_wide,
        slot,
        counts and slot is distinct from lag(slot) over slots as opens_slot,
    from kept
    window
        series as (partition by participant_id, day, counts order by time_utc),
        slots as (partition by participant_id, day, counts, cadence_min order by time_utc)
),
summed as (
    select
        participant_id, day, local_date, excluded, cadence_min,
        count(*) as n_readings,
        count(glucose_mgdl) as n_values,
        coalesce(sum(glucose_mgdl), 0) as sum_mgdl,
        coalesce(sum(1::bigint * glucose_mgdl * glucose_mgdl), 0) as sum_mgdl2,
        list_aggregate(list(glucose_mgdl) filter (where glucose_mgdl is not null), 'histogram') as histogram,
        count(*) filter (where is_status and glucose_mgdl = 39) as n_low_status,
        count(*) filter (where is_status and glucose_mgdl = 401) as n_high_status,
        count(*) filter (where overlap) as n_overlap,
        count(*) filter (where clock_suspect) as n_clock_suspect,
        if(excluded is null, count(*) filter (where opens_slot), count(distinct slot) filter (where excluded is not null and glucose_mgdl is not null)) as n_slots,
        min(time_utc) filter (where glucose_mgdl is not null) as first_utc,
        max(time_utc) filter (where glucose_mgdl is not null) as last_utc,
        arg_min(local_time, time_utc) filter (where glucose_mgdl is not null) as first_local,
        arg_max(local_time, time_utc) filter (where glucose_mgdl is not null) as last_local,
        count(gap_us) as n_linked,
        coalesce(sum(gap_us), 0)::bigint as linked_us,
        coalesce(sum(gap_us) filter (where is_wide), 0)::bigint as wide_us,
        coalesce(sum(step_min) filter (where is_wide), 0)::bigint as wide_min,
    from spaced
    group by participant_id, day, local_date, excluded, cadence_min
)
select
    participant_id, day, local_date, excluded, cadence_min,
    n_readings, n_values, sum_mgdl, sum_mgdl2,
    coalesce(map_keys(histogram), []) as glucose_mgdl,
    coalesce(map_values(histogram), [])::smallint[] as counts,
    n_low_status, n_high_status, n_overlap, n_clock_suspect, n_slots,
    first_utc, last_utc, first_local, last_local,
    n_linked, linked_us, wide_us, wide_min,
from summed
