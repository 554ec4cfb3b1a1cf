-- Every interval of metric_scopes, and every sensor, with a value, and what its values add up to: as
-- long as that is the same, so are they.
with hashed as (
    select participant_id, local_date, sum(n_values) as n_values, sum(sum_of_hashes) as sum_of_hashes,
    from reading_hashes
    group by participant_id, local_date
),
scopes as (
    select participant_id, scope, label, first_date, last_date, takes_unknown,
    from internal.metric_scopes
),
dates as (
    select
        participant_id, scope, label, first_date, last_date, takes_unknown,
        unnest(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day))::date as local_date,
    from scopes
    union all
    select participant_id, scope, label, first_date, last_date, takes_unknown, null,
    from scopes
    where takes_unknown
)
select
    d.participant_id, d.scope, d.label, d.first_date, d.last_date, d.takes_unknown,
    null::timestamp as first_utc, null::timestamp as last_utc,
    sum(h.n_values)::bigint as n_values,
    (sum(h.sum_of_hashes) % 9223372036854775807)::bigint as readings_hash,
    (select metrics_version from metric_preset)::smallint as metrics_version,
    (select episode_preset from internal.metric_settings) as episode_preset,
    (select preset from metric_preset) as preset,
from dates d
join hashed h on h.participant_id = d.participant_id and h.local_date is not distinct from d.local_date
group by d.participant_id, d.scope, d.label, d.first_date, d.last_date, d.takes_unknown
union all
select
    participant_id, scope, label, min(first_date), max(last_date), false, min(first_utc), max(last_utc),
    sum(n_values)::bigint,
    (sum(readings_hash) % 9223372036854775807)::bigint,
    (select metrics_version from metric_preset)::smallint,
    (select episode_preset from internal.metric_settings),
    (select preset from metric_preset),
from sensor_scopes
group by participant_id, scope, label
