-- completeness: how much of each study day was delivered.
--
-- Grain    one row per participant_id and local_date of the study, also
--          without readings
-- Source   daily_metrics
-- Units    slots of 5 min; percent of expected_slots, 0 to 100
-- Days     23, 24 or 25 h as in daily_metrics
-- Nulls    none; readings inside exclusions fill no slot, n_excluded counts them
-- Columns
--   participant_id         study pseudonym from the roster
--   local_date             date on the participant's wall clock
--   expected_slots         5-minute slots of the day
--   n_slots                of them, with a value
--   complete_pct           n_slots in percent of expected_slots
--   sufficient             at least 70 percent
--   n_excluded             readings inside exclusions
create or replace view completeness as
select
    participant_id,
    local_date,
    expected_slots,
    n_slots,
    active_window_pct as complete_pct,
    sufficient,
    n_excluded,
from daily_metrics;
