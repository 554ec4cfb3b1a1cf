-- study_intervals: which local dates of each participant the metrics cover.
--
-- Grain    one row per participant_id of participants or glucose_days
-- Source   participants (the roster), glucose_days, coverage, withdrawals
-- Units    dates are local; cadence_min whole minutes
-- Rules    the day the API was last asked for readings, be it for egvs or for
--          their dataRange, is a local date, of UTC without a timezone. Days up
--          to it are days without data, so a study without study_end goes on to
--          it after the participant fell silent; days to come are not, so
--          last_date lies after it only if a reading does. After a withdrawal
--          nothing is asked for: its day is the last one that may be
-- Nulls    first_date, last_date and day_one where neither the roster nor a
--          reading with local time gives them; last_date of a study to come
-- Columns
--   participant_id         study pseudonym from the roster
--   timezone               IANA time zone from the roster; null if not given or not known to DuckDB
--   anchor_date            study day 1 as given in the roster
--   day_one                day 1 of the 14-day periods: anchor_date, else study_start, else the first local date
--   first_date             study_start, else the first local date with a reading
--   last_date              study_end, else with study_start or anchor_date the day last asked, else last_seen; no later than a withdrawal
--   last_seen              last local date with a reading, wherever the study ends
--   has_study_dates        study_start or study_end is given, so that readings without local time cannot be placed
--   cadence_min            minutes that most of the participant's values stand for, of equally many the fewest; 5 without any. By preset iglu the median gap between them, in whole minutes; 5 below two
--   is_mixed               values of several cadences are among the participant's; false by preset iglu
--   n_unknown_local_time   readings of the participant without local time
--   withdrawn_at           UTC; from when on nothing of the participant is the study's; null: has not withdrawn
create or replace view study_intervals as
with seen as (
    select
        participant_id,
        min(local_date) as first_seen,
        max(local_date) as last_seen,
        coalesce(sum(n_values), 0) as n,
        coalesce(sum(n_values) filter (where cadence_min = 1), 0) as n1,
        coalesce(sum(n_values) filter (where cadence_min = 15), 0) as n15,
        case
            when p.preset = 'iglu' then max(cadence_min)
            when n1 > 0 and n1 >= n15 and n1 >= n - n1 - n15 then 1
            when n15 > n - n1 - n15 then 15
            else 5
        end as usual_min,
        p.preset <> 'iglu' and greatest(n1, n15, n - n1 - n15) < n as is_mixed,
        coalesce(sum(n_readings) filter (where local_date is null), 0)::bigint as n_unknown_local_time,
    from glucose_days
    cross join metric_preset p
    group by participant_id, p.preset
),
asked as (
    select participant_id, max(asked_at) as asked_at,
    from coverage
    where resource in ('egvs', 'dataRange')
    group by participant_id
),
sources as (
    select
        participant_id, timezone, anchor_date, study_start, study_end,
        null::date as first_seen, null::date as last_seen, null::integer as usual_min, null::boolean as is_mixed,
        0 as n_unknown_local_time, null::timestamp as asked_at, null::timestamp as withdrawn_at,
    from participants
    union all
    select participant_id, null, null, null, null, first_seen, last_seen, usual_min, is_mixed, n_unknown_local_time, null, null,
    from seen
    union all
    select participant_id, null, null, null, null, null, null, null, null, 0, asked_at, null,
    from asked
    union all
    select participant_id, null, null, null, null, null, null, null, null, 0, null, effective_at,
    from withdrawals
),
people as (
    select
        participant_id,
        max(timezone) filter (where timezone in (select name from pg_timezone_names())) as timezone,
        max(anchor_date) as anchor_date,
        max(study_start) as study_start,
        max(study_end) as study_end,
        max(first_seen) as first_seen,
        max(last_seen) as last_seen,
        max(usual_min) as usual_min,
        bool_or(is_mixed) as is_mixed,
        sum(n_unknown_local_time)::bigint as n_unknown_local_time,
        max(asked_at) as asked_at,
        max(withdrawn_at) as withdrawn_at,
    from sources
    group by participant_id
),
dated as (
    select
        participant_id, timezone, anchor_date, study_start, study_end,
        first_seen, last_seen, usual_min, is_mixed, n_unknown_local_time, withdrawn_at,
        least(asked_at, withdrawn_at - interval 1 microsecond) as last_asked_at,
        coalesce(timezone(timezone, timezone('UTC', last_asked_at)), last_asked_at)::date as asked_date,
        case
            when asked_date is null then coalesce(study_end, last_seen)
            when study_end is not null then least(study_end, greatest(asked_date, last_seen))
            when study_start is not null or anchor_date is not null then greatest(asked_date, last_seen)
            else last_seen
        end as until,
    from people
)
select
    participant_id,
    timezone,
    anchor_date,
    coalesce(anchor_date, study_start, first_seen) as day_one,
    coalesce(study_start, first_seen) as first_date,
    if(until < study_start, null, until) as last_date,
    last_seen,
    study_start is not null or study_end is not null as has_study_dates,
    coalesce(usual_min, 5)::integer as cadence_min,
    coalesce(is_mixed, false) as is_mixed,
    n_unknown_local_time,
    withdrawn_at,
from dated;
