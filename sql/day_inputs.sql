-- Every row of daily_metrics, by what it follows from: as long as that has one hash, so is
-- the row as it was. Of readings these are all of the days of UTC from the first to the
-- last on which the date has some: what lies between two values may be another date's.
with summed as (
    select participant_id, day, sum(sum_of_hashes) as sum_of_hashes,
    from day_hashes
    group by participant_id, day
),
spread as (
    select participant_id, local_date, min(day) as first_day, max(day) as last_day,
    from day_hashes
    where local_date is not null
    group by participant_id, local_date
),
read as (
    select participant_id, local_date, first_day, last_day, unnest(generate_series(first_day, last_day, interval 1 day)) as day,
    from spread
),
hashed as (
    select r.participant_id, r.local_date, r.first_day, r.last_day, sum(s.sum_of_hashes) as sum_of_hashes,
    from read r
    join summed s on s.participant_id = r.participant_id and s.day = r.day
    group by r.participant_id, r.local_date, r.first_day, r.last_day
),
dates as (
    select
        participant_id,
        unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as local_date,
        hash(timezone, cadence_min, n_unknown_local_time, withdrawn_at) as facts,
    from study_intervals
),
-- Hashes, and what a time zone is, are those of one version of DuckDB.
rules as (
    select hash(p.preset, p.sentinels, p.metrics_version, t.min_active_pct, t.episode_preset, version()) as rules,
    from metric_preset p
    cross join internal.metric_settings t
)
select
    d.participant_id, d.local_date, h.first_day, h.last_day,
    (hash(d.facts, r.rules, h.sum_of_hashes, s.n_values, s.readings_hash, s.metrics_version, s.episode_preset) % 9223372036854775807)::bigint as inputs_hash,
from dates d
cross join rules r
left join hashed h on h.participant_id = d.participant_id and h.local_date = d.local_date
left join span_metrics s
    on s.participant_id = d.participant_id
    and s.first_date = d.local_date
    and s.scope = 'day'
    and s.label = ''
