-- The metric_scopes of a Selection: one interval per participant.
-- Parameters: $1 from, $2 to, $3 window; empty where not given. Dates that are
-- asked for are whole, whenever somebody withdrew; those of which the first would
-- come after the last are none.
with limits as (
    select
        nullif($1, '')::date as from_date,
        nullif($2, '')::date as to_date,
        $3::varchar as window_name,
),
chosen as (
    select
        s.participant_id, s.cadence_min, s.n_unknown_local_time,
        coalesce(l.from_date, s.first_date) as begins,
        coalesce(l.to_date, s.last_date) as ends,
        if(ends < begins, null, begins) as first_date,
        if(ends < begins, null, ends) as last_date,
        s.timezone,
        s.takes_unknown and l.from_date is null and l.to_date is null as takes_unknown,
        if(l.to_date is null, s.withdrawn_at, null) as withdrawn_at,
    from planned_scopes s
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
    null::bigint as length_min,
from chosen
where {among}
