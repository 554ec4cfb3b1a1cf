-- iglu: the readings behind participant_metrics in the shape of the R package
-- iglu (id, time, gl).
--
-- Grain    one row per reading with a value
-- Source   metric_readings, scope participant: inside the study, not excluded
-- Units    mg/dL; local time
-- Nulls    none: readings without a value or without local time are left out
-- Columns
--   id                     participant_id
--   time                   wall clock
--   gl                     mg/dL
create or replace view iglu as
select participant_id as id, local_time as "time", glucose_mgdl as gl,
from metric_readings
where scope = 'participant'
    and glucose_mgdl is not null
    and local_time is not null;
