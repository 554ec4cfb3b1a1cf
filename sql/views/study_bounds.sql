-- study_bounds: from when to when data of each participant may be expected.
--
-- Grain    one row per participant_id of participants
-- Source   participants, withdrawals, coverage
-- Units    times UTC
-- Rules    dates of the study are whole days of the roster's timezone, or of
--          UTC without one
-- Nulls    starts_at without study_start; ends_at without study_end and
--          withdrawal; withdrawn_at of whoever has not withdrawn; the others
--          where readings were never asked for
-- Columns
--   participant_id         study pseudonym from the roster
--   starts_at              first instant of study_start
--   ends_at                end of study_end, exclusive, or the withdrawal where that is earlier
--   withdrawn_at           from when on nothing of the participant is the study's
--   asked_from             start of the oldest interval of egvs that was asked for
--   asked_at               newest answer about readings, be it of egvs or of their dataRange
--   expected_until         asked_at, or ends_at where that is earlier: from here on nobody knows
create or replace view study_bounds as
with dated as (
    select
        participant_id,
        if(timezone in (select name from pg_timezone_names()), timezone, 'UTC') as zone,
        study_start as start_date,
        study_end + 1 as end_date,
    from participants
),
studies as (
    select
        participant_id,
        make_timestamp({begins zone, start_date}) as starts_at,
        make_timestamp({begins zone, end_date}) as study_ends_at,
    from dated
),
asked as (
    select
        participant_id,
        min(asked_from) filter (where resource = 'egvs') as asked_from,
        max(asked_at) as asked_at,
    from coverage
    where resource in ('egvs', 'dataRange')
    group by participant_id
)
select
    s.participant_id,
    s.starts_at,
    least(s.study_ends_at, w.effective_at) as ends_at,
    w.effective_at as withdrawn_at,
    a.asked_from,
    a.asked_at,
    if(a.asked_at is null, null, least(a.asked_at, s.study_ends_at, w.effective_at)) as expected_until,
from studies s
left join asked a on a.participant_id = s.participant_id
left join withdrawals w on w.participant_id = s.participant_id;
