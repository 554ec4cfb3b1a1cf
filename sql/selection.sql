-- The metric_scopes of a Selection: one interval per participant.
-- Parameters: $1 from, $2 to, $3 last days, $4 window; empty or 0 where not
-- given. Last days count back from the last reading in the study, not from the
-- silence after it; without a reading, from the last date of the study. Dates
-- that are asked for are whole, whenever somebody withdrew.
with limits as (
    select
        nullif($1, '')::date as from_date,
        nullif($2, '')::date as to_date,
        $3::integer as last_days,
        $4::varchar as window_name,
),
chosen as (
    select
        s.participant_id, s.cadence_min, s.n_unknown_local_time,
        case
            when l.last_days > 0 then coalesce(l.to_date, least(p.last_seen, s.last_date)) - l.last_days + 1
            when l.window_name <> '' then s.first_date
            else coalesce(l.from_date, s.first_date)
        end as first_date,
        case
            when l.last_days > 0 then coalesce(l.to_date, least(p.last_seen, s.last_date))
            when l.window_name <> '' then s.last_date
            else coalesce(l.to_date, s.last_date)
        end as last_date,
        s.timezone,
        s.takes_unknown and l.from_date is null and l.to_date is null and l.last_days = 0 as takes_unknown,
        if(l.to_date is null and l.last_days = 0, s.withdrawn_at, null) as withdrawn_at,
    from planned_scopes s
    join study_intervals p on p.participant_id = s.participant_id
    cross join limits l
    where s.scope = if(l.window_name = '', 'participant', 'window')
        and s.label = l.window_name
)
select
    participant_id,
    'participant' as scope,
    '' as label,
    0 as part,
    first_date,
    last_date,
    cadence_min,
    timezone,
    takes_unknown,
    n_unknown_local_time,
    withdrawn_at,
from chosen
where {among}
