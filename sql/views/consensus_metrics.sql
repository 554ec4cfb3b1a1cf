-- consensus_metrics: the short table, to open first.
--
-- Grain    one row per participant_id, also without readings
-- Source   participant_metrics
-- Units    glucose mg/dL; *_pct are percent of n_values, but active_window_pct
--          of the study's minutes
-- Ranges   the targets of most adults with diabetes are tir_pct > 70, tbr70_pct
--          < 4, tbr54_pct < 1, tar180_pct < 25, tar250_pct < 5, cv_pct <= 36, on
--          14 days that are sufficient (Battelino 2019, doi 10.2337/dci19-0028)
-- Nulls    everything computed from values is null without a value
-- Columns  as in metric_catalogue
create or replace view consensus_metrics as
select
    participant_id, n_days, active_window_pct, sufficient,
    mean_mgdl, gmi_pct, sd_mgdl, cv_pct,
    tir_pct, titr_pct, tbr70_pct, tbr54_pct, tar180_pct, tar250_pct,
    gri, gri_zone,
    preset, sentinels, metrics_version,
from participant_metrics;
