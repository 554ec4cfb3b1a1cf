-- day_night_metrics: glucose by night and by day, of each participant over the study.
--
-- Grain    one row per participant_id and part, also without readings
-- Source   glucose inside study_intervals, not excluded; settings
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028)
-- Rules    the night is 00:00 to 06:00 of local time (Danne 2017, doi
--          10.2337/dc17-1600), or what metrics.night of dexetl.yaml says: its
--          beginning is in it, its end is not. Readings without local time are in
--          neither part
-- Nulls    everything computed from values is null without a value, sd_mgdl and
--          cv_pct below two
-- Columns  as in metric_catalogue, and
--   participant_id         study pseudonym from the roster
--   part                   night or day
create or replace view day_night_metrics as
with parted as (
    select
        s.participant_id,
        extract(hour from g.local_time) * 60 + extract(minute from g.local_time) as minute,
        if(
            m.night_from_min <= m.night_to_min,
            minute >= m.night_from_min and minute < m.night_to_min,
            minute >= m.night_from_min or minute < m.night_to_min
        ) as is_night,
        g.local_date,
        g.glucose_mgdl::bigint as glucose,
    from glucose g
    join study_intervals s
        on s.participant_id = g.participant_id
        and g.local_date between s.first_date and s.last_date
    cross join internal.metric_settings m
    where g.excluded is null
        and g.glucose_mgdl is not null
),
summed as (
    select
        participant_id,
        is_night,
        count(*) as n,
        count(distinct local_date) as n_days,
        sum(glucose)::double as total,
        sum(glucose * glucose)::double as squares,
        count(*) filter (where glucose < 54) as n_very_low,
        count(*) filter (where glucose < 70) as n_below,
        count(*) filter (where glucose > 180) as n_above,
        count(*) filter (where glucose > 250) as n_very_high,
    from parted
    group by participant_id, is_night
)
select
    s.participant_id,
    p.part,
    coalesce(n, 0) as n_values,
    coalesce(n_days, 0) as n_days,
    total / n as mean_mgdl,
    sqrt(greatest(0, n * squares - total * total) / nullif(n * (n - 1), 0)) as sd_mgdl,
    100 * sd_mgdl / nullif(mean_mgdl, 0) as cv_pct,
    100 * n_very_low / n as very_low_pct,
    100 * (n_below - n_very_low) / n as low_pct,
    100 * (n - n_below - n_above) / n as in_range_pct,
    100 * (n_above - n_very_high) / n as high_pct,
    100 * n_very_high / n as very_high_pct,
    v.preset,
    v.sentinels,
    v.metrics_version,
from study_intervals s
cross join (values ('night'), ('day')) as p (part)
cross join metric_preset v
left join summed c
    on c.participant_id = s.participant_id
    and c.is_night = (p.part = 'night');
