-- meter_pairs: each value of a blood glucose meter, and what the sensor said before it.
--
-- Grain    one row per participant_id, meter_source and record_id
-- Source   calibrations that are still there, current_events of bloodGlucose;
--          glucose that is not excluded, wherever the study ends
-- Units    glucose mg/dL; times UTC and local
-- Rules    the sensor's value is the latest that is at most 5 minutes older. A
--          calibration is compared with one before it, an event also with one of
--          the same instant. An event counts only if no calibration is within 5
--          minutes: it is among those already, and the sensor may have been told
-- Nulls    reading_utc, sensor_mgdl and difference_mgdl without a reading;
--          meter_mgdl where none, or none in mg/dL or mmol/L, was sent
-- Columns
--   participant_id         study pseudonym from the roster
--   meter_source           calibration (entered to calibrate the sensor), event (a bloodGlucose event)
--   record_id              see calibrations and events
--   time_utc               UTC by the device's clock; when it was measured
--   local_time             wall clock of it
--   meter_mgdl             value of the meter; an event in mmol/L times 18.01559
--   reading_utc            UTC; time of the sensor's value
--   sensor_mgdl            value of the sensor
--   difference_mgdl        sensor_mgdl - meter_mgdl
--   usable                 the pair counts in meter_agreement
--   unusable_reason        calibrated (a calibration is within 5 minutes), no_reading (the sensor has none in the 5 minutes before), no_value (of the meter, above 0); null: usable
create or replace view meter_pairs as
with measured as (
    select
        participant_id, 'calibration' as meter_source, record_id,
        system_time as time_utc,
        display_time as local_time,
        glucose_mgdl::double as meter_mgdl,
    from calibrations
    where vanished_at is null
    union all
    select
        participant_id, 'event', record_id, system_time, display_time,
        case lower(unit) when 'mg/dl' then value when 'mmol/l' then value * 18.01559 end,
    from current_events
    where event_type = 'bloodGlucose'
),
checked as (
    select
        participant_id, meter_source, record_id, time_utc, local_time, meter_mgdl,
        epoch_us(time_utc) as at_us,
        meter_source = 'event' and bool_or(meter_source = 'calibration') over (
            partition by participant_id order by time_utc
            range between interval 5 minute preceding and interval 5 minute following
        ) as is_calibrated,
    from measured
),
-- Readings find their value of the meter by the 5 minutes in which they lie.
wanted as (
    select
        participant_id, meter_source, record_id, at_us,
        unnest([at_us // 300_000_000 - 1, at_us // 300_000_000]) as slot,
    from checked
),
before as (
    select
        w.participant_id, w.meter_source, w.record_id,
        max(g.time_utc) as reading_utc,
        arg_max(g.glucose_mgdl, g.time_utc) as sensor_mgdl,
    from wanted w
    join glucose g
        on g.participant_id = w.participant_id
        and epoch_us(g.time_utc) // 300_000_000 = w.slot
    where g.excluded is null
        and g.glucose_mgdl is not null
        and epoch_us(g.time_utc) between w.at_us - 300_000_000 and w.at_us - (w.meter_source = 'calibration')::bigint
    group by w.participant_id, w.meter_source, w.record_id
),
judged as (
    select
        n.participant_id, n.meter_source, n.record_id, n.time_utc, n.local_time, n.meter_mgdl,
        b.reading_utc,
        b.sensor_mgdl::double as sensor_mgdl,
        case
            when n.is_calibrated then 'calibrated'
            when b.reading_utc is null then 'no_reading'
            when not coalesce(n.meter_mgdl > 0, false) then 'no_value'
        end as unusable_reason,
    from checked n
    left join before b
        on b.participant_id = n.participant_id
        and b.meter_source = n.meter_source
        and b.record_id = n.record_id
)
select
    participant_id,
    meter_source,
    record_id,
    time_utc,
    local_time,
    meter_mgdl,
    reading_utc,
    sensor_mgdl,
    sensor_mgdl - meter_mgdl as difference_mgdl,
    unusable_reason is null as usable,
    unusable_reason,
from judged;
