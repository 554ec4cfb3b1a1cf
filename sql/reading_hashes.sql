-- What the values of each local day add up to, of the readings in glucose: each file of
-- hashes has those of one month's data files.
select
    participant_id, local_date,
    count(*) as n_values,
    (sum(hash(time_utc, local_time, glucose_mgdl, cadence_min)) % 9223372036854775807)::bigint as sum_of_hashes,
from glucose
where excluded is null
    and glucose_mgdl is not null
group by participant_id, local_date
order by participant_id, local_date
