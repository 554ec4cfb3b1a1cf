-- sensor_metrics: glucose summary per participant and sensor.
--
-- Grain    one row per participant_id and session of sensor_sessions
-- Source   glucose_days, and sensor_readings of days with several sensors, summed up as glucose_days, linked_days, summed_days, local_days,
--          scope_values and scope_metrics do it, but of each session alone; for what depends
--          on the order of readings, spans
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the session's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Rules    a session is a time, not dates: a date on which the sensor was changed
--          is in both by its readings, and valid_days counts it only where one
--          sensor alone covers enough of it. It lasts from the slot of its first
--          reading to that of its last, so that warm-up and days without a sensor are
--          in none, and whatever the roster says of the study's dates.
--          n_unknown_local_time is of the sensor's readings
-- Nulls    everything computed from values is null without a value; first_date and
--          last_date where no reading has local time; readings inside exclusions
--          count nowhere
-- Columns  as in metric_catalogue
create or replace view sensor_metrics as
-- Named here, so that DuckDB computes it once; readings it had better not keep.
with sensor_sessions as (
    select participant_id, session, transmitter_id, session_start, session_end,
    from main.sensor_sessions
),
sensor_readings as not materialized (
{sensor_readings}
),
-- What divided_days adds up; other days are in glucose_days as they should be.
glucose as not materialized (
    select participant_id, session, time_utc, local_time, local_date, glucose_mgdl, glucose_source, overlap, clock_suspect, cadence_min, excluded,
    from sensor_readings
    where not is_whole_day
),
worn as (
    select
        participant_id, session,
        any_value(session_start) as session_start,
        any_value(session_end) as session_end,
        min(local_date) as first_date,
        max(local_date) as last_date,
        count(*) filter (where local_date is null) as n_unknown_local_time,
        max(slot_ends_min) - min(slot_starts_min) as length_min,
    from (
        select
            participant_id, session, session_start, session_end, local_date,
            coalesce(cadence_min, 5)::bigint as slot_min,
            epoch_us(time_utc) // (60_000_000 * slot_min) * slot_min as slot_starts_min,
            slot_starts_min + slot_min as slot_ends_min,
        from sensor_readings
    )
    group by participant_id, session
),
metric_scopes as (
    select
        participant_id, session,
        'sensor' as scope,
        '' as label,
        40_000_000 as part,
        first_date, last_date,
        5 as cadence_min,
        null::varchar as timezone,
        true as takes_unknown,
        n_unknown_local_time,
        null::timestamp as withdrawn_at,
        length_min,
    from worn
),
{relations}
select
    w.participant_id, w.session, w.transmitter_id, w.session_start, w.session_end, m.first_date, m.last_date,
    {metrics},
from sensor_sessions w
join scope_metrics m
    on m.participant_id = w.participant_id
    and m.session = w.session
left join internal.spans
    on of_participant = w.participant_id
    and of_scope = m.scope
    and of_label = strftime(w.session_start, '%Y-%m-%dT%H:%M:%S.%f');
