-- gaps: where readings are missing between two readings.
--
-- Grain    one row per participant_id and gap_start
-- Source   glucose, readings with a value; exclusions do not matter here
-- Units    minutes; times UTC and local
-- Rules    a gap is a distance of more than 1.5 times the participant's cadence
--          (7.5 min at 5 min) between successive readings with a value
-- Nulls    gap_start_local, gap_end_local without local time
-- Columns
--   participant_id         study pseudonym from the roster
--   gap_start              UTC; last reading before the gap
--   gap_end                UTC; first reading after it
--   gap_start_local        wall clock of gap_start
--   gap_end_local          wall clock of gap_end
--   gap_min                minutes between the two
--   missing_readings       readings that the cadence lets expect between them
--   kind                   sensor_change (another transmitter afterwards), loss (the same), unknown (a transmitter_id is missing)
create or replace view gaps as
with spaced as (
    select
        participant_id,
        time_utc as gap_end,
        local_time as gap_end_local,
        transmitter_id,
        lag(time_utc) over series as gap_start,
        lag(local_time) over series as gap_start_local,
        lag(transmitter_id) over series as previous_id,
        (epoch_us(time_utc) - epoch_us(gap_start)) / 6e7 as gap_min,
    from glucose
    where glucose_mgdl is not null
    window series as (partition by participant_id order by time_utc)
)
select
    s.participant_id,
    s.gap_start,
    s.gap_end,
    s.gap_start_local,
    s.gap_end_local,
    s.gap_min,
    greatest(1, round_even(s.gap_min / p.cadence_min, 0) - 1)::bigint as missing_readings,
    case
        when s.transmitter_id is null or s.previous_id is null then 'unknown'
        when s.transmitter_id <> s.previous_id then 'sensor_change'
        else 'loss'
    end as kind,
from spaced s
join study_intervals p on p.participant_id = s.participant_id
where s.gap_min > 1.5 * p.cadence_min;
