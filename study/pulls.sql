-- One row per person of ?1, such as P001,P002, and kind of record that is there: egvs, or
-- a type of event. Oldest and newest are of system time; days are those with one, UTC.
with
who as (
    select unnest(string_split(?1, ',')) as participant_id
)
select d.participant_id, 'egvs' as kind, min(d.first_record) as oldest, max(d.last_record) as newest, count(*)::bigint as days
from coverage_days d
semi join who using (participant_id)
where d.resource = 'egvs'
group by d.participant_id
union all
select e.participant_id, e.event_type as kind, min(e.system_time) as oldest, max(e.system_time) as newest,
    count(distinct date_trunc('day', e.system_time))::bigint as days
from current_events e
semi join who using (participant_id)
where e.event_type is not null
group by e.participant_id, e.event_type
