-- The sensors of which there are values in glucose, as scopes, and what their values add up
-- to: each file of hashes has those of one part of the data files.
-- They are found again by when they began: a number may become another one's.
with sensor_readings as not materialized (
{sensor_readings}
)
select
    r.participant_id,
    'sensor' as scope,
    strftime(r.session_start, '%Y-%m-%dT%H:%M:%S.%f') as label,
    min(r.local_date) as first_date,
    max(r.local_date) as last_date,
    min(r.time_utc) as first_utc,
    max(r.time_utc) as last_utc,
    count(*) as n_values,
    (sum(hash(r.time_utc, r.local_time, r.glucose_mgdl, r.cadence_min)) % 9223372036854775807)::bigint as readings_hash,
from sensor_readings r
where r.excluded is null
    and r.glucose_mgdl is not null
group by r.participant_id, r.session_start
order by r.participant_id, r.session_start
