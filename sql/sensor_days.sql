-- glucose_days of each session: of days of UTC that belong to it alone the rows of the
-- participant, which say the same. Only days on which sensors were changed are added up
-- of their readings.
select
    participant_id, day, local_date, excluded, cadence_min, n_readings, n_values, sum_mgdl, sum_mgdl2, glucose_mgdl, counts,
    n_overlap, n_clock_suspect, n_slots, first_utc, last_utc, first_local, last_local, linked_us, wide_us, wide_min,
from main.divided_days
union all
select
    w.participant_id, d.day, d.local_date, d.excluded, d.cadence_min, d.n_readings, d.n_values, d.sum_mgdl, d.sum_mgdl2, d.glucose_mgdl, d.counts,
    d.n_overlap, d.n_clock_suspect, d.n_slots, d.first_utc, d.last_utc, d.first_local, d.last_local, d.linked_us, d.wide_us, d.wide_min,
from main.sensor_sessions w
join main.glucose_days d on d.participant_id = w.participant_id
    and w.session_start <= d.day
    and d.day + interval 1 day <= w.session_end
