-- meal_metrics: the responses to the meals of each participant in the study.
--
-- Grain    one row per participant_id, also without meals
-- Source   meals whose start_local lies in study_intervals; also those without
--          start_local where the roster gives no study dates
-- Units    glucose mg/dL
-- Rules    means are over the usable meals, each counting once, and added up by
--          size: what doubles add up to depends on their order
-- Nulls    everything without an entry of carbs, the number of meals too: it is
--          not known whether somebody ate; means without a usable meal
-- Columns  as in metric_catalogue, and
--   participant_id         study pseudonym from the roster
create or replace view meal_metrics as
with counted as (
    select
        m.participant_id,
        count(*) as meals,
        count(*) filter (where m.usable) as meals_usable,
        list_avg(list(m.baseline_mgdl order by m.baseline_mgdl)) as meal_baseline_mgdl,
        list_avg(list(m.peak_mgdl order by m.peak_mgdl)) as meal_peak_mgdl,
        list_avg(list(m.delta_mgdl order by m.delta_mgdl)) as meal_delta_mgdl,
        list_avg(list(m.peak_min order by m.peak_min)) as meal_peak_min,
        list_avg(list(m.recovery_pct order by m.recovery_pct)) as meal_recovery_pct,
        list_avg(list(m.carbs_g order by m.carbs_g) filter (where m.usable)) as meal_carbs_g,
    from meals m
    join study_intervals s on s.participant_id = m.participant_id
    where coalesce(m.start_local::date between s.first_date and s.last_date, m.start_local is null and not s.has_study_dates)
    group by m.participant_id
)
select
    s.participant_id,
    c.meals,
    c.meals_usable,
    c.meal_baseline_mgdl,
    c.meal_peak_mgdl,
    c.meal_delta_mgdl,
    c.meal_peak_min,
    c.meal_recovery_pct,
    c.meal_carbs_g,
    v.preset,
    v.sentinels,
    v.metrics_version,
from study_intervals s
cross join metric_preset v
left join counted c on c.participant_id = s.participant_id;
