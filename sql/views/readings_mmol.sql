-- readings_mmol: glucose with values in mmol/L.
--
-- Grain    one row per participant_id and time_utc
-- Source   glucose
-- Units    mmol/L = mg/dL / 18.01559, not rounded: round for display only and
--          compare thresholds in mg/dL
-- Ranges   39 and 401 mg/dL (2.16 and 22.26 mmol/L) mean below 40 and above 400
-- Nulls    glucose_mmol_l for readings without a value
-- Columns
--   participant_id         study pseudonym from the roster
--   time_utc               UTC by the device's clock
--   local_time             wall clock; null if unknown
--   local_date             date of local_time
--   study_day              1 on anchor_date, -1 the day before, no 0
--   glucose_mmol_l         mmol/L, not rounded
--   glucose_mgdl           mg/dL as in glucose
--   trend                  as in egvs
--   trend_rate_mmol_l_min  mmol/L/min, not rounded
--   excluded               why metrics leave the reading out; see glucose
create or replace view readings_mmol as
select
    participant_id,
    time_utc,
    local_time,
    local_date,
    study_day,
    glucose_mgdl / 18.01559::double as glucose_mmol_l,
    glucose_mgdl,
    trend,
    trend_rate_mgdl_min / 18.01559::double as trend_rate_mmol_l_min,
    excluded,
from glucose;
