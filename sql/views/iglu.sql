-- iglu: the readings behind participant_metrics in the shape of the R package
-- iglu (id, time, gl).
--
-- Grain    one row per reading with a value
-- Source   glucose inside study_intervals, not excluded
-- Units    mg/dL; local time
-- Nulls    none: readings without a value or without local time are left out
-- Columns
--   id                     participant_id
--   time                   wall clock
--   gl                     mg/dL
create or replace view iglu as
select r.participant_id as id, r.local_time as "time", r.glucose_mgdl::double as gl,
from glucose r
join study_intervals s on s.participant_id = r.participant_id and r.local_date between s.first_date and s.last_date
where r.excluded is null
    and r.glucose_mgdl is not null;
