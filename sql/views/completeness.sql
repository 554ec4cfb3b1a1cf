-- completeness: how much of each study day was delivered.
--
-- Grain    one row per participant_id and local_date of the study, also
--          without readings
-- Source   daily_metrics; for the clock glucose, participants, coverage_days
-- Units    slots of 1, 5 or 15 min, as the day's values; percent of the day's
--          minutes, 0 to 100; offsets are minutes
-- Days     23, 24 or 25 h as in daily_metrics; the last one ends at a withdrawal
-- Clock    the median of what the wall clock of the day's readings is ahead of
--          the roster's zone, whose own clock changes count. Told where it is 30
--          min or more for more than 2 days in a row: a journey, a clock that
--          was set wrong (AM for PM is 720 min), or one that does not follow the
--          clock changes of the place. Days whose readings do not tell their
--          wall clock neither count nor end a row of days. What coverage_days
--          says of a day stands in where glucose says nothing, because the
--          clock is further ahead than any place on earth
-- Nulls    clock_offset_min where there is none to be told, or no zone in the
--          roster. Readings inside exclusions fill no slot, n_excluded counts them
-- Columns
--   participant_id         study pseudonym from the roster
--   local_date             date on the participant's wall clock
--   expected_slots         slots of the day; see metric_catalogue
--   n_slots                of them, with a value
--   active_window_pct      minutes that n_slots cover, in percent of the day's
--   sufficient             at least 70 percent
--   n_excluded             readings inside exclusions
--   clock_offset_min       minutes the day's wall clock is ahead of the roster's zone, if so for more than 2 days
--   complete_pct           former name of active_window_pct, which is to go
create or replace view completeness as
-- By the hour, because zones do not change within one and are dear to compute.
with hours as (
    select
        participant_id,
        local_date,
        date_trunc('hour', time_utc) as hour_utc,
        round((epoch_us(local_time) - epoch_us(time_utc)) / 6e7)::integer as ahead_min,
        null::smallint as stated_min,
        count(*) as n,
    from glucose
    where local_time_source in ('sent', 'derived')
    group by all
    union all
    -- The local date of the noon of a day of UTC.
    select participant_id, null, day + interval 12 hour, null, clock_offset_min, 0
    from coverage_days
    where clock_offset_min is not null
),
offsets as (
    select
        h.participant_id,
        timezone(p.timezone, timezone('UTC', h.hour_utc)) as zone_time,
        coalesce(h.local_date, zone_time::date) as local_date,
        h.ahead_min - (epoch_us(zone_time) - epoch_us(h.hour_utc)) // 60_000_000 as offset_min,
        h.stated_min,
        h.n,
    from hours h
    join participants p on p.participant_id = h.participant_id
    where p.timezone in (select name from pg_timezone_names())
),
ranked as (
    select
        participant_id, local_date, offset_min, stated_min,
        sum(n) over (partition by participant_id, local_date order by offset_min) as n_up_to,
        sum(n) over (partition by participant_id, local_date) as n_of_day,
    from offsets
),
known as (
    select
        participant_id, local_date,
        coalesce(min(offset_min) filter (where 2 * n_up_to >= n_of_day)::smallint, max(stated_min)) as offset_min,
    from ranked
    group by participant_id, local_date
),
numbered as (
    select
        participant_id, local_date, offset_min,
        abs(offset_min) >= 30 as is_off,
        count(*) filter (where not is_off) over (partition by participant_id order by local_date) as run,
    from known
),
told as (
    select participant_id, local_date, offset_min,
    from numbered
    where is_off
    qualify count(*) over (partition by participant_id, run) > 2
)
select
    d.participant_id,
    d.local_date,
    d.expected_slots,
    d.n_slots,
    d.active_window_pct,
    d.sufficient,
    d.n_excluded,
    t.offset_min as clock_offset_min,
    d.active_window_pct as complete_pct,
from daily_metrics d
left join told t on t.participant_id = d.participant_id and t.local_date = d.local_date;
