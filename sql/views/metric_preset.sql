-- metric_preset: by which rules the metric views compute.
--
-- Grain    one row
-- Source   none; a selection with another preset puts its own in this place
-- Units    none
-- Nulls    none
-- Columns
--   preset                 dexetl-1: as metric_catalogue says
--   sentinels              as sent: 39 and 401 mg/dL count as such
--   metrics_version        rises whenever the version of a metric in metric_catalogue does
create or replace view metric_preset as
select 'dexetl-1' as preset, 'as sent' as sentinels, 5 as metrics_version;
