-- daily_metrics: glucose summary per participant and local day.
--
-- Grain    one row per participant_id and local_date of the study, also
--          without readings
-- Source   scope_metrics and, for what depends on the order of readings, spans: study_start, else the first date with a reading, to
--          study_end, else the day last asked where the roster gives study_start
--          or anchor_date, else the last date with a reading, and no further than
--          a withdrawal; see study_intervals
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the interval's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Days     expected_slots follows the participant's time zone (23, 24 or 25 h);
--          without one, the offsets of the day's readings
-- Nulls    everything computed from values is null without a value; readings
--          without local time belong to no day and readings inside exclusions
--          count nowhere
-- Columns  as in metric_catalogue
create or replace view daily_metrics as
select
    participant_id, first_date as local_date,
    n_readings, n_values, n_days,
    mean_mgdl, sd_mgdl, cv_pct, median_mgdl, min_mgdl, max_mgdl, gmi_pct, ea1c_pct,
    tbr54_pct, tbr70_pct, tir_pct, titr_pct, tar180_pct, tar250_pct,
    very_low_pct, low_pct, in_range_pct, high_pct, very_high_pct,
    tbr54_min, tbr70_min, tir_min, titr_min, tar180_min, tar250_min,
    very_low_min, low_min, in_range_min, high_min, very_high_min,
    gri, gri_zone, gri_hypo, gri_hyper, lbgi, hbgi,
    expected_slots, n_slots, active_window_pct, active_span_pct, sufficient, cadence_min,
    n_low_sentinel, n_high_sentinel, censored_pct,
    n_excluded, n_clock_suspect, n_overlap, n_unknown_local_time,
    first_local, last_local, n_implausible,
    q05_mgdl, q10_mgdl, q25_mgdl, q75_mgdl, q90_mgdl, q95_mgdl, iqr_mgdl, mad_mgdl, j_index,
    tbr50_pct, tbr60_pct, tbr63_pct, tir63_140_pct, tir70_250_pct, tar120_pct, tar140_pct,
    tar200_pct, tar300_pct, tar350_pct, tbr50_min, tbr60_min, tbr63_min, tir63_140_min,
    tir70_250_min, tar120_min, tar140_min, tar200_min, tar300_min, tar350_min, bgri, adrr, grade,
    grade_hypo_pct, grade_eu_pct, grade_hyper_pct, hypo_index, hyper_index, igc, m_value_r90, cogi,
    valid_days, adult_targets_met, high_risk_targets_met, pregnancy_targets_met, preset, sentinels,
    metrics_version, episode_preset,
    mag_mgdl_h, mag30_mgdl_h, mag60_mgdl_h, gvp_pct, conga1_mgdl, conga2_mgdl, conga4_mgdl,
    conga6_mgdl, conga24_mgdl, modd_mgdl, roc_mean_mgdl_min, roc_sd, roc_below_m3_pct,
    roc_m3_m2_pct, roc_m2_m1_pct, roc_m1_1_pct, roc_1_2_pct, roc_2_3_pct, roc_above_3_pct,
    auc_mgdl, cvmean_pct, cvsd_pct, sdw_mgdl, sdhhmm_mgdl, sdwsh_mgdl, sddm_mgdl, sdb_mgdl,
    sdbdm_mgdl, lability_mgdl2_h, distance_mgdl, excursions_per_day, mage_mgdl, mage_plus_mgdl,
    mage_minus_mgdl, mage_service_mgdl, mage_max_mgdl, mage_naive_mgdl, hypo1_per_week,
    hypo1_only_per_week, hypo2_per_week, hypo_extended_per_week, hyper1_per_week,
    hyper1_only_per_week, hyper2_per_week, hyper_extended_per_week, hyper_extended_120_per_week,
    exposure_days, pgs,
from internal.scope_metrics
left join internal.spans
    on of_participant = participant_id
    and of_scope = scope
    and of_label = label
    and of_first_date is not distinct from first_date
where scope = 'day';
