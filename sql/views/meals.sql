-- meals: what glucose does after each meal.
--
-- Grain    one row per participant_id and meal: carbs of current_events, of which
--          each follows the one before it within 15 minutes
-- Source   current_events, glucose that is not excluded, wherever the study ends
-- Units    glucose mg/dL; times UTC and local
-- Rules    baseline is the mean of the hour before, peak the highest value of the
--          three hours from the start on, the first of equal ones. A meal says
--          something if no other one begins in the hour before or the three
--          hours after, 80 percent of the three hours are covered, and there is a
--          baseline. Who enters nothing has no row, and may have eaten
-- Slots    a value covers the slot of its cadence, counted from midnight UTC
-- Nulls    what is measured of a meal that is not usable; carbs_g if an entry is
--          not in grams; start_local without display_time
-- Columns
--   participant_id         study pseudonym from the roster
--   start_utc              UTC by the device's clock; the first entry
--   start_local            wall clock of it
--   n_entries              entries that make the meal
--   carbs_g                grams; all entries together
--   baseline_mgdl          mean of the hour before
--   peak_mgdl              highest value of the three hours from start_utc on
--   delta_mgdl             peak_mgdl - baseline_mgdl
--   peak_min               minutes from start_utc to the peak
--   recovery_pct           percent of delta_mgdl that glucose has come down an hour after the peak; null without a rise, or a value within 5 minutes of then
--   present_pct            percent of the three hours that slots with a value cover, at most 100
--   usable                 the meal counts in meal_metrics
--   unusable_reason        second_meal (another one begins in the hour before or the three hours after), few_readings (less than 80 percent of the three hours), no_baseline (no value in the hour before); null: usable
create or replace view meals as
with entries as (
    select
        participant_id, record_id, system_time, display_time,
        if(unit = 'grams', value, null) as carbs_g,
        coalesce(system_time - lag(system_time) over (partition by participant_id order by system_time) <= interval 15 minute, false) as continues,
    from current_events
    where event_type = 'carbs'
),
numbered as (
    select
        participant_id, record_id, system_time, display_time, carbs_g,
        sum(if(continues, 0, 1)) over (partition by participant_id order by system_time)::bigint as meal,
    from entries
),
eaten as (
    select
        participant_id, meal,
        min(system_time) as start_utc,
        first(display_time order by system_time, record_id) as start_local,
        count(*) as n_entries,
        if(count(carbs_g) = n_entries, list_sum(list(carbs_g order by carbs_g)), null) as carbs_g,
    from numbered
    group by participant_id, meal
),
placed as (
    select
        participant_id, meal, start_utc, start_local, n_entries, carbs_g,
        epoch_us(start_utc) as start_us,
        coalesce(start_utc - lag(start_utc) over series < interval 1 hour, false)
            or coalesce(lead(start_utc) over series - start_utc < interval 3 hour, false) as has_second,
    from eaten
    window series as (partition by participant_id order by meal)
),
valued as (
    select
        participant_id, glucose_mgdl,
        epoch_us(time_utc) as at_us,
        at_us // 3_600_000_000 as hour,
        coalesce(cadence_min, 5) as cadence_min,
        at_us // (60_000_000 * coalesce(cadence_min, 5)) as slot,
    from glucose
    where excluded is null
        and glucose_mgdl is not null
),
-- Readings find their meal by the hour. Each part is read in one place: DuckDB would
-- compute for everybody what two places read, also if one participant is asked for.
around as (
    select
        participant_id, meal, start_us,
        unnest(range(start_us // 3_600_000_000 - 1, start_us // 3_600_000_000 + 6)) as hour,
    from placed
),
near as (
    select
        a.participant_id, a.meal, v.glucose_mgdl, v.cadence_min, v.slot,
        v.at_us - a.start_us as after_us,
        after_us >= 0 and after_us < 10_800_000_000 as is_after,
    from around a
    join valued v
        on v.participant_id = a.participant_id
        and v.hour = a.hour
    where v.at_us >= a.start_us - 3_600_000_000
        and v.at_us <= a.start_us + 14_700_000_000
),
measured as (
    select
        participant_id, meal,
        avg(glucose_mgdl) filter (where after_us < 0) as baseline_mgdl,
        -- The first of the highest: what lies later is the less of an integer that has
        -- room for the three hours below each mg/dL.
        max(glucose_mgdl * 20_000_000_000 - after_us) filter (where is_after) as peak,
        count(distinct slot) filter (where is_after and cadence_min = 1) as n_of_1,
        count(distinct slot) filter (where is_after and cadence_min = 5) as n_of_5,
        count(distinct slot) filter (where is_after and cadence_min = 15) as n_of_15,
        list({'after_us': after_us, 'mgdl': glucose_mgdl}) filter (where after_us >= 3_300_000_000) as later,
    from near
    group by participant_id, meal
),
judged as (
    select
        p.participant_id, p.start_utc, p.start_local, p.n_entries, p.carbs_g, m.later,
        coalesce(m.n_of_1 + 5 * m.n_of_5 + 15 * m.n_of_15, 0) as covered_min,
        case
            when p.has_second then 'second_meal'
            when covered_min < 144 then 'few_readings'
            when m.baseline_mgdl is null then 'no_baseline'
        end as unusable_reason,
        unusable_reason is null as usable,
        if(usable, m.baseline_mgdl, null) as baseline_mgdl,
        if(usable, (m.peak + 19_999_999_999) // 20_000_000_000, null) as peak_mgdl,
        peak_mgdl * 20_000_000_000 - m.peak as peak_us,
        peak_us + 3_600_000_000 as hence_us,
        peak_mgdl - baseline_mgdl as delta_mgdl,
    from placed p
    left join measured m
        on m.participant_id = p.participant_id
        and m.meal = p.meal
),
recovered as (
    select
        participant_id, start_utc, start_local, n_entries, carbs_g, covered_min, unusable_reason, usable,
        baseline_mgdl, peak_mgdl, peak_us, delta_mgdl,
        list_transform(
            list_filter(later, lambda x: abs(x.after_us - hence_us) <= 300_000_000),
            lambda x: {'apart': 2 * abs(x.after_us - hence_us) + (x.after_us > hence_us)::bigint, 'mgdl': x.mgdl}
        ) as nearby,
        -- The nearest, of two equally near the earlier.
        list_min(nearby).mgdl as hence_mgdl,
    from judged
)
select
    participant_id,
    start_utc,
    start_local,
    n_entries,
    carbs_g,
    baseline_mgdl,
    peak_mgdl::double as peak_mgdl,
    delta_mgdl,
    peak_us / 6e7 as peak_min,
    if(delta_mgdl > 0, 100 * (peak_mgdl - hence_mgdl) / delta_mgdl, null) as recovery_pct,
    least(100, covered_min / 1.8) as present_pct,
    usable,
    unusable_reason,
from recovered;
