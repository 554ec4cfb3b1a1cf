-- internal.metric_settings: the thresholds of the metrics that hold for this snapshot.
--
-- Grain    one row
-- Source   settings: metrics.night, metrics.min_active_pct and metrics.episodes of
--          dexetl.yaml; what a snapshot does not have is as by default
-- Units    minutes after local midnight; percent
-- Nulls    none
-- Columns
--   night_from_min         when the night begins, inclusive
--   night_to_min           when it ends, exclusive; less than night_from_min where it goes over midnight
--   min_active_pct         active_window_pct from which on data are sufficient
--   episode_preset         what an episode is: consensus2023 or danne2017
create or replace view internal.metric_settings as
with named as (
    select
        coalesce(max(value) filter (where key = 'metrics.night'), '00:00-06:00') as night,
        coalesce(max(value) filter (where key = 'metrics.min_active_pct'), '70') as min_active,
        coalesce(max(value) filter (where key = 'metrics.episodes'), 'consensus2023') as episode_preset,
    from main.settings
)
select
    night[1:2]::integer * 60 + night[4:5]::integer as night_from_min,
    night[7:8]::integer * 60 + night[10:11]::integer as night_to_min,
    min_active::double as min_active_pct,
    episode_preset,
from named;
