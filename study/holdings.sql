-- One row per participant of the snapshot and resource, from what load keeps of
-- the records (coverage, coverage_days): none of them is read. The last 14 and 30
-- days end with the last whole day before the newest answer, or with the study or a
-- withdrawal.
with
told as (
    select
        participant_id,
        date_trunc('day', max(asked_at)) as last_day,
        max(asked_at) filter (where resource = 'dataRange') is not null as ranged,
    from coverage
    group by participant_id
),
ends as (
    select t.participant_id, least(t.last_day, (p.study_end + 1)::timestamp, date_trunc('day', w.effective_at)) as until, t.ranged,
    from told t
    join participants p on p.participant_id = t.participant_id
    left join withdrawals w on w.participant_id = t.participant_id
),
ranges as (
    select participant_id, resource, min(data_from) as data_from,
    from coverage
    group by participant_id, resource
),
filled as (
    select
        d.participant_id,
        d.resource,
        sum(d.slots)::bigint as slots,
        sum(d.slots) filter (where d.day < e.until and d.day >= e.until - interval 14 day)::bigint as slots_14d,
        sum(d.slots) filter (where d.day < e.until and d.day >= e.until - interval 30 day)::bigint as slots_30d,
    from coverage_days d
    join ends e on e.participant_id = d.participant_id
    where d.resource = 'egvs'
    group by d.participant_id, d.resource
),
-- Of whom a whole answer was rejected; of almost everybody nothing more is read.
suspects as (
    select distinct participant_id, resource
    from requests
    where rejected > 0 and rejected = records and outcome = 'applied'
),
brought as (
    select participant_id, resource, run_id, max(asked_at) as asked_at, sum(records) as records, sum(rejected) as rejected
    from requests
    semi join suspects using (participant_id, resource)
    where records > 0 and outcome = 'applied'
    group by participant_id, resource, run_id
),
-- Of the last run that brought records, how many: where every one was rejected.
unread as (
    select participant_id, resource, arg_max(if(rejected = records, records, 0), asked_at)::bigint as records
    from brought
    group by participant_id, resource
),
-- Days in a row on which the wall clock disagrees with the roster's zone. More
-- than two of them are told, those of the newest such row.
clocks as (
    select
        participant_id, resource, day, clock_offset_min,
        count(*) filter (where clock_offset_min is null) over (partition by participant_id order by day) as run,
        max(day) over (partition by participant_id) as newest_day,
    from coverage_days
    where resource = 'egvs'
),
stretches as (
    select
        participant_id, resource,
        arg_max(clock_offset_min, day) as clock_offset_min,
        min(day) as clock_from,
        max(day) as clock_to,
        max(day) = max(newest_day) as clock_goes_on,
    from clocks
    where clock_offset_min is not null
    group by participant_id, resource, run
    having count(*) > 2
    qualify row_number() over (partition by participant_id order by clock_to desc) = 1
)
select
    f.participant_id,
    f.resource,
    f.state,
    f.last_asked_at,
    f.records,
    f.newest_record,
    r.data_from,
    f.data_to,
    f.lag_min,
    coalesce(e.ranged, false) as ranged,
    e.until,
    coalesce(d.slots, 0) as slots,
    coalesce(d.slots_14d, 0) as slots_14d,
    coalesce(d.slots_30d, 0) as slots_30d,
    coalesce(u.records, 0) as unread,
    coalesce(c.clock_offset_min, 0) as clock_offset_min,
    c.clock_from,
    c.clock_to,
    coalesce(c.clock_goes_on, false) as clock_goes_on,
from fetch_status f
left join ends e on e.participant_id = f.participant_id
left join ranges r on r.participant_id = f.participant_id and r.resource = f.resource
left join filled d on d.participant_id = f.participant_id and d.resource = f.resource
left join unread u on u.participant_id = f.participant_id and u.resource = f.resource
left join stretches c on c.participant_id = f.participant_id and c.resource = f.resource
order by f.participant_id, f.resource
