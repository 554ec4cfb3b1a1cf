-- What the rows of glucose_days of each day of UTC and local date add up to: each file of
-- hashes has those of one part of the data files.
select
    participant_id, day, local_date,
    (sum(hash(
        excluded, cadence_min, n_readings, n_values, sum_mgdl, sum_mgdl2, glucose_mgdl, counts,
        n_low_status, n_high_status, n_overlap, n_clock_suspect, n_slots,
        first_utc, last_utc, first_local, last_local, n_linked, linked_us, wide_us, wide_min
    )) % 9223372036854775807)::bigint as sum_of_hashes,
from glucose_days
group by participant_id, day, local_date
order by participant_id, day, local_date
