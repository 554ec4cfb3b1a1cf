-- meter_agreement: how far the sensor is from the meter, of each participant over the study.
--
-- Grain    one row per participant_id, also without a value of a meter
-- Source   meter_pairs whose local_time lies in study_intervals; also those without
--          local_time where the roster gives no study dates
-- Units    glucose mg/dL
-- Rules    calibrations and events are apart: who calibrates has mostly a reason to.
--          A sensor's 39 and 401 count as these values. Means are added up by size:
--          what doubles add up to depends on their order
-- Nulls    everything but the counts is null without a pair
-- Columns  as in metric_catalogue, and
--   participant_id                              study pseudonym from the roster
create or replace view meter_agreement as
with placed as (
    select
        p.participant_id, p.meter_source, p.meter_mgdl, p.difference_mgdl, p.usable, p.unusable_reason,
        abs(p.difference_mgdl) * 100 / greatest(p.meter_mgdl, 100) as apart,
    from meter_pairs p
    join study_intervals s on s.participant_id = p.participant_id
    where coalesce(p.local_time::date between s.first_date and s.last_date, p.local_time is null and not s.has_study_dates)
),
agreed as (
    select
        participant_id, meter_source,
        count(*) as n,
        list({'by': difference_mgdl, 'part': difference_mgdl / meter_mgdl} order by difference_mgdl, meter_mgdl) as pairs,
        100 * list_avg(list_transform(pairs, lambda p: abs(p.part))) as mard_pct,
        list_avg(list_transform(pairs, lambda p: p.by)) as bias_mgdl,
        100 * list_avg(list_transform(pairs, lambda p: p.part)) as bias_pct,
        sqrt(list_avg(list_transform(pairs, lambda p: p.by * p.by))) as rmse_mgdl,
        100.0 * count(*) filter (where apart <= 15) / n as within15_pct,
        100.0 * count(*) filter (where apart <= 20) / n as within20_pct,
        100.0 * count(*) filter (where apart <= 40) / n as within40_pct,
    from placed
    where usable
    group by participant_id, meter_source
),
left_out as (
    select
        participant_id,
        count(*) filter (where unusable_reason = 'calibrated') as calibrated,
        count(*) filter (where unusable_reason in ('no_reading', 'no_value')) as unpaired,
    from placed
    group by participant_id
)
select
    s.participant_id,
    coalesce(c.n, 0) as meter_agreement_calibrations_n,
    c.mard_pct as meter_agreement_calibrations_mard_pct,
    c.bias_mgdl as meter_agreement_calibrations_bias_mgdl,
    c.bias_pct as meter_agreement_calibrations_bias_pct,
    c.rmse_mgdl as meter_agreement_calibrations_rmse_mgdl,
    c.within15_pct as meter_agreement_calibrations_15_pct,
    c.within20_pct as meter_agreement_calibrations_20_pct,
    c.within40_pct as meter_agreement_calibrations_40_pct,
    coalesce(e.n, 0) as meter_agreement_events_n,
    e.mard_pct as meter_agreement_events_mard_pct,
    e.bias_mgdl as meter_agreement_events_bias_mgdl,
    e.bias_pct as meter_agreement_events_bias_pct,
    e.rmse_mgdl as meter_agreement_events_rmse_mgdl,
    e.within15_pct as meter_agreement_events_15_pct,
    e.within20_pct as meter_agreement_events_20_pct,
    e.within40_pct as meter_agreement_events_40_pct,
    coalesce(l.calibrated, 0) as meter_agreement_calibrated,
    coalesce(l.unpaired, 0) as meter_agreement_unpaired,
    v.preset,
    v.sentinels,
    v.metrics_version,
from study_intervals s
cross join metric_preset v
left join agreed c on c.participant_id = s.participant_id and c.meter_source = 'calibration'
left join agreed e on e.participant_id = s.participant_id and e.meter_source = 'event'
left join left_out l on l.participant_id = s.participant_id;
