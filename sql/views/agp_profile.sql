-- agp_profile: ambulatory glucose profile, percentiles by time of day.
--
-- Grain    one row per participant_id, bin_min and bin_start_min with at least
--          one value; filter on one bin_min
-- Source   glucose inside study_intervals, not excluded
-- Units    glucose mg/dL; bins are minutes of local time, start inclusive
-- Rules    readings as they are, neither interpolated nor smoothed; quantiles
--          of type 7 (linear between order statistics); a bin is sufficient
--          from 5 days on. The grid of the R package iglu, which interpolates
--          first, is in the Go package metrics
-- Nulls    none: readings without a value or local time are left out
-- Columns  as in metric_catalogue, and
--   participant_id         study pseudonym from the roster
--   bin_min                width of the bin: 5, 15, 30 or 60 minutes
--   bin_start_min          start of the bin, minutes after local midnight
--   n_values               readings with a value in the bin
--   n_days                 local dates among them
--   sufficient             at least 5 days
create or replace view agp_profile as
with binned as (
    select
        r.participant_id,
        b.bin_min,
        (extract(hour from r.local_time) * 60 + extract(minute from r.local_time)) // b.bin_min * b.bin_min as bin_start_min,
        r.local_date,
        r.glucose_mgdl,
    from glucose r
    join study_intervals s on s.participant_id = r.participant_id and r.local_date between s.first_date and s.last_date
    cross join (values (5), (15), (30), (60)) as b (bin_min)
    where r.excluded is null
        and r.glucose_mgdl is not null
),
profiled as (
    select
        participant_id,
        bin_min,
        bin_start_min,
        count(*) as n_values,
        count(distinct local_date) as n_days,
        quantile_cont(glucose_mgdl::double, [0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95]) as p,
    from binned
    group by participant_id, bin_min, bin_start_min
)
select
    participant_id,
    bin_min,
    bin_start_min,
    n_values,
    n_days,
    p[1] as p5_mgdl,
    p[2] as p10_mgdl,
    p[3] as p25_mgdl,
    p[4] as p50_mgdl,
    p[5] as p75_mgdl,
    p[6] as p90_mgdl,
    p[7] as p95_mgdl,
    n_days >= 5 as sufficient,
from profiled;
