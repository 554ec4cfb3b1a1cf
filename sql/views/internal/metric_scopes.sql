-- internal.metric_scopes: every interval that the metric views summarise, also those
-- without a reading.
--
-- Grain    one row per participant_id, scope, label and first_date
-- Source   study_intervals, windows
-- Units    local dates, both inclusive
-- Rules    participant: first_date to last_date of the study. day: each date of
--          it. period: 14 days from day_one, the last one whole even if the
--          study ends inside it. window: of windows.csv, a participant's own
--          row before the row for everyone (*), study days counted from
--          anchor_date without a day 0, not clipped to the study. A withdrawal
--          ends the study, to the minute, as study_end does to the day
-- Nulls    dates of a window that needs an anchor_date the roster lacks;
--          timezone where the roster gives none
-- Columns
--   participant_id         study pseudonym from the roster
--   scope                  participant, day, period, window
--   label                  name of the window; empty for other scopes
--   part                   number that no other scope of the participant has, short to compare; its ten millions say which scope it is
--   first_date             first local date, inclusive
--   last_date              last local date, inclusive
--   cadence_min            see study_intervals
--   timezone               IANA time zone from the roster
--   takes_unknown          readings without local time belong to the interval because it has no bounds
--   n_unknown_local_time   see study_intervals
--   withdrawn_at           UTC; where minutes cease to be expected: see study_intervals; null for periods and windows, which are whole
--   length_min             how many minutes it lasts; null: as many as its dates
create or replace view internal.metric_scopes as
-- Named here, so that DuckDB binds and computes it once, not five times.
with intervals as (
    select
        participant_id, cadence_min, timezone, anchor_date, day_one, first_date, last_date, has_study_dates, n_unknown_local_time, withdrawn_at,
    from main.study_intervals
),
whole as (
    select participant_id, 'participant' as scope, '' as label, 0 as part, first_date, last_date, not has_study_dates as takes_unknown, withdrawn_at,
    from intervals
),
days as (
    select
        participant_id, 'day' as scope, '' as label,
        unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as first_date,
        first_date as last_date,
        false as takes_unknown,
        withdrawn_at,
    from intervals
),
periods as (
    select
        participant_id, 'period' as scope, '' as label,
        unnest(generate_series(day_one::timestamp, last_date::timestamp, interval 14 day))::date as first_date,
        false as takes_unknown,
    from intervals
),
candidates as (
    select
        p.participant_id,
        w.window_name as label,
        row_number() over (partition by p.participant_id order by label, w.participant_id = '*') as number,
        coalesce(w.start_date, p.anchor_date + w.start_day - (w.start_day > 0)::integer) as first_date,
        coalesce(w.end_date, p.anchor_date + w.end_day - (w.end_day > 0)::integer) as last_date,
        row_number() over (partition by p.participant_id, label order by w.participant_id = '*') as choice,
    from intervals p
    join main.windows w on w.participant_id = p.participant_id or w.participant_id = '*'
),
scopes as (
    select participant_id, scope, label, part, first_date, last_date, takes_unknown, withdrawn_at,
    from whole
    union all
    select participant_id, scope, label, 15_000_000 + (first_date - date '1970-01-01'), first_date, first_date, takes_unknown, withdrawn_at,
    from days
    union all
    select participant_id, scope, label, 25_000_000 + (first_date - date '1970-01-01'), first_date, first_date + 13, takes_unknown, null,
    from periods
    union all
    select participant_id, 'window', label, 30_000_000 + number, first_date, last_date, false, null,
    from candidates
    where choice = 1
)
select
    s.participant_id,
    s.scope,
    s.label,
    s.part,
    s.first_date,
    s.last_date,
    p.cadence_min,
    p.timezone,
    s.takes_unknown,
    p.n_unknown_local_time,
    s.withdrawn_at,
    null::bigint as length_min,
from scopes s
join intervals p on p.participant_id = s.participant_id;
