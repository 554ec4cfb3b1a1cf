-- agp_profile: ambulatory glucose profile, percentiles by time of day.
--
-- Grain    one row per participant_id, bin_min and bin_start_min with at least
--          one value; filter on one bin_min
-- Source   glucose inside study_intervals, not excluded
-- Units    glucose mg/dL; bins are minutes of local time, start inclusive
-- Rules    readings as they are, neither interpolated nor smoothed; quantiles
--          of type 7 (linear between order statistics); a bin is sufficient
--          from 5 days on, whatever metrics.min_active_pct says. The grid of the R package iglu, which interpolates
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
-- Values lie in one list for each hour, each with its five minutes and its day in one
-- number; bins are cut from these lists, row by row, so that no more than the lists is
-- ever in memory.
with placed as (
    select
        r.participant_id,
        hour(r.local_time) as hour,
        minute(r.local_time) // 5 as slot,
        (r.local_date - s.first_date)::bigint as day,
        r.glucose_mgdl,
    from glucose r
    join study_intervals s on s.participant_id = r.participant_id and r.local_date between s.first_date and s.last_date
    where r.excluded is null
        and r.glucose_mgdl is not null
),
hours as (
    select
        participant_id, hour,
        bit_or(1 << slot) as filled,
        list((slot << 40) + (day << 16) + glucose_mgdl) as laid_out,
    from placed
    group by participant_id, hour
),
bins as (
    select
        bin_min,
        unnest(range(0, 12, bin_min // 5)) as first_slot,
        first_slot + bin_min // 5 as next_slot,
        (1 << next_slot) - (1 << first_slot) as slots,
    from (values (5), (15), (30), (60)) as b (bin_min)
),
binned as (
    select
        h.participant_id,
        b.bin_min,
        h.hour * 60 + b.first_slot * 5 as bin_start_min,
        list_filter(h.laid_out, lambda one: one >= b.first_slot << 40 and one < b.next_slot << 40) as laid_out,
    from hours h
    join bins b on h.filled & b.slots <> 0
),
profiled as (
    select
        participant_id,
        bin_min,
        bin_start_min,
        len(laid_out) as n_values,
        list_unique(list_transform(laid_out, lambda one: one >> 16 & 16_777_215))::bigint as n_days,
        list_aggregate(
            list_transform(laid_out, lambda one: (one & 65_535)::smallint),
            'quantile_cont', [0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95]
        ) as p,
    from binned
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
    v.preset,
    v.sentinels,
    v.metrics_version,
from profiled
cross join metric_preset v;
