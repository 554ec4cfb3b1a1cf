-- internal.spans: span_metrics, with keys that no metric is called like.
--
-- Grain    one row per row of span_metrics
-- Source   span_metrics
-- Units    see metric_catalogue
-- Nulls    where a metric does not exist
-- Columns  as in metric_catalogue, and
--   of_participant         see span_metrics
--   of_scope               see span_metrics
--   of_label               see span_metrics
--   of_first_date          see span_metrics
create or replace view internal.spans as
select
    participant_id as of_participant,
    scope as of_scope,
    label as of_label,
    first_date as of_first_date,
    mag_mgdl_h, mag30_mgdl_h, mag60_mgdl_h, gvp_pct, conga1_mgdl, conga2_mgdl, conga4_mgdl,
    conga6_mgdl, conga24_mgdl, modd_mgdl, roc_mean_mgdl_min, roc_sd, roc_below_m3_pct,
    roc_m3_m2_pct, roc_m2_m1_pct, roc_m1_1_pct, roc_1_2_pct, roc_2_3_pct, roc_above_3_pct,
    auc_mgdl, cvmean_pct, cvsd_pct, sdw_mgdl, sdhhmm_mgdl, sdwsh_mgdl, sddm_mgdl, sdb_mgdl,
    sdbdm_mgdl, lability_mgdl2_h, distance_mgdl, excursions_per_day, mage_mgdl, mage_plus_mgdl,
    mage_minus_mgdl, mage_service_mgdl, mage_max_mgdl, mage_naive_mgdl, hypo1_per_week,
    hypo1_only_per_week, hypo2_per_week, hypo_extended_per_week, hyper1_per_week,
    hyper1_only_per_week, hyper2_per_week, hyper_extended_per_week, hyper_extended_120_per_week,
    exposure_days, pgs,
from main.span_metrics;
