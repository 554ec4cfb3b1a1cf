-- fetch_status: what was asked of the API, and what it gave.
--
-- Grain    one row per participant_id of participants and resource
-- Source   participants, study_bounds, coverage, coverage_days, requests,
--          settings
-- Units    times UTC; lag in minutes
-- Lag      how old the newest record was when it was last asked whether there is
--          a newer one, by the resource itself or, but for alerts, by dataRange.
--          It ends with study_end or a withdrawal. Readings come every 5
--          minutes, and 1 to 3 hours late; other records come when they come
-- States   never_asked. held: the newest answer could not be applied. no_data:
--          neither we nor the API have a record since study_start; it was asked,
--          or dataRange shows none. not_started: the API's records all lie before
--          study_start, and nothing was asked. ended: everything up to the end of
--          study_end was asked after it, or the participant has withdrawn.
--          behind: the API says it has newer records, and not all of the study
--          was asked. current: none of these
-- Study    as in study_bounds; study_start does not limit where the setting
--          study.history is all
-- Nulls    last_asked_at where never asked; data_to for resources whose range the
--          API does not tell (alerts, devices); newest_record and lag_min without
--          records
-- Columns
--   participant_id         study pseudonym from the roster
--   resource               egvs, events, calibrations, alerts, devices, dataRange
--   last_asked_at          newest answer
--   asked_to               end of the newest interval asked, exclusive
--   records                present records in the intervals asked
--   newest_record          system time of the newest present record
--   data_to                newest record the API says it has
--   lag_min                minutes from newest_record to when a newer one was last asked for, or to the end of the study or a withdrawal before that
--   n_held                 answers that could not be applied
--   state                  never_asked, held, no_data, not_started, ended, behind, current
create or replace view fetch_status as
with studies as (
    select
        participant_id,
        if(exists (select 1 from settings where key = 'study.history' and value = 'all'), null, starts_at) as starts,
        ends_at as ends,
        withdrawn_at,
    from study_bounds
),
resources as (
    select p.participant_id, r.resource,
    from participants p
    cross join (values ('egvs'), ('events'), ('calibrations'), ('alerts'), ('devices'), ('dataRange')) as r (resource)
),
asked as (
    select
        participant_id,
        resource,
        max(asked_at) as last_asked_at,
        max(asked_to) as asked_to,
        sum(records)::bigint as records,
        max(data_to) as data_to,
    from coverage
    group by participant_id, resource
),
newest as (
    select participant_id, resource, max(last_record) as newest_record,
    from coverage_days
    group by participant_id, resource
),
ranged as (
    select participant_id, last_asked_at as ranged_at,
    from asked
    where resource = 'dataRange'
),
held as (
    select participant_id, resource, count(*) as n_held, max(asked_at) as held_at,
    from requests
    where outcome = 'held'
    group by participant_id, resource
)
select
    r.participant_id,
    r.resource,
    a.last_asked_at,
    a.asked_to,
    coalesce(a.records, 0) as records,
    n.newest_record,
    a.data_to,
    (epoch_us(greatest(
        n.newest_record,
        least(greatest(a.last_asked_at, if(r.resource = 'alerts', null, d.ranged_at)), s.ends)
    )) - epoch_us(n.newest_record)) / 6e7 as lag_min,
    coalesce(h.n_held, 0) as n_held,
    case
        when h.held_at is not null and a.last_asked_at >= h.held_at is not true then 'held'
        when a.last_asked_at is null and (d.ranged_at is null or r.resource = 'devices') then 'never_asked'
        when a.last_asked_at is null then 'no_data'
        when a.data_to < s.starts and a.asked_to is null then 'not_started'
        when a.records = 0 and n.newest_record is null and (a.data_to is null or a.data_to < s.starts) then 'no_data'
        when s.withdrawn_at is not null or a.asked_to >= s.ends and a.last_asked_at >= s.ends then 'ended'
        when a.data_to < s.starts or a.asked_to >= s.ends then 'current'
        when a.data_to is not null and n.newest_record >= a.data_to is not true and r.resource <> 'dataRange' then 'behind'
        else 'current'
    end as state,
from resources r
join studies s on s.participant_id = r.participant_id
left join asked a on a.participant_id = r.participant_id and a.resource = r.resource
left join newest n on n.participant_id = r.participant_id and n.resource = r.resource
left join ranged d on d.participant_id = r.participant_id
left join held h on h.participant_id = r.participant_id and h.resource = r.resource;
