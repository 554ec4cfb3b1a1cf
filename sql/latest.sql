-- The latest days of each participant that a report is made of, within
-- offered_scopes: the latest so many in a row that are covered together as
-- metric_settings asks for, else the last ones. Parameters: $2 to, $3 window, $4
-- days.
--
-- Days after the last reading are silence, unless they were asked for; days after the
-- end of the study are never among them. A window called baseline ends before
-- anchor_date. A day is covered at most whole: on a
-- journey one may see more of it.
with offered as (
    select
        s.participant_id, s.timezone, s.first_date,
        case
            when $2 <> '' then if(p.last_date is null, null, least(p.last_date, s.last_date))
            when p.last_seen >= s.first_date then least(p.last_seen, s.last_date)
            else s.last_date
        end as until,
        least(until, if(lower($3) = 'baseline', p.anchor_date - 1, null)) as last_date,
    from offered_scopes s
    join study_intervals p on p.participant_id = s.participant_id
),
dates as (
    select
        participant_id, timezone,
        unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as local_date,
    from offered
),
-- Zones are few, and dear to compute.
calendar as (
    select
        timezone,
        local_date,
        ({begins timezone, local_date + 1} - {begins timezone, local_date}) // 60_000_000 as day_min,
    from (select distinct timezone, local_date from dates where timezone is not null)
),
summed as (
    select
        d.participant_id, d.local_date,
        coalesce(c.day_min, 1440) as minutes,
        count(*) over latest as n_days,
        sum(least(coalesce(s.covered_min, 0), minutes)) over latest as covered_min,
        sum(minutes) over latest as days_min,
    from dates d
    left join calendar c on c.timezone = d.timezone and c.local_date = d.local_date
    left join local_days s on s.participant_id = d.participant_id and s.local_date = d.local_date
    window latest as (
        partition by d.participant_id order by d.local_date
        rows between $4::bigint - 1 preceding and current row
    )
),
judged as (
    select
        d.participant_id,
        max(d.local_date) filter (where d.n_days = $4::bigint and 100.0 * d.covered_min / d.days_min >= t.min_active_pct) as enough_date,
        coalesce(enough_date, max(d.local_date)) as last_date,
        min(d.local_date) as offered_date,
    from summed d
    cross join metric_settings t
    group by d.participant_id
)
select
    o.participant_id,
    greatest(j.last_date - ($4::integer - 1), j.offered_date) as first_date,
    j.last_date,
    j.enough_date is not null as is_enough,
from offered o
left join judged j on j.participant_id = o.participant_id
