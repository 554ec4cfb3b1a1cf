-- gaps: where readings are missing between two readings.
--
-- Grain    one row per participant_id and gap_start
-- Source   glucose, readings with a value; exclusions do not matter here
-- Units    minutes; times UTC and local
-- Rules    a gap is a distance of more than 1.5 times the cadence (7.5 min at 5
--          min) between successive readings with a value; where the cadence
--          changes between the two, of the longer one
-- Kinds    the transmitter of a side is that of the reading next to the gap. If
--          the two beyond that reading agree on another one, and lie nearer to
--          it than the other end of the gap, it is theirs: a stray reading of a
--          transmitter that runs no longer, or not yet, changes nothing
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
        lag(time_utc) over series as gap_start,
        lag(local_time) over series as gap_start_local,
        (epoch_us(time_utc) - epoch_us(gap_start)) / 6e7 as gap_min,
        greatest(coalesce(cadence_min, 5), coalesce(lag(cadence_min) over series, 5)) as step_min,
        (epoch_us(gap_start) - epoch_us(lag(time_utc, 2) over series)) / 6e7 < gap_min
            and lag(transmitter_id, 2) over series = lag(transmitter_id, 3) over series as stray_before,
        if(stray_before, lag(transmitter_id, 2) over series, lag(transmitter_id) over series) as before_id,
        (epoch_us(lead(time_utc) over series) - epoch_us(time_utc)) / 6e7 < gap_min
            and lead(transmitter_id) over series = lead(transmitter_id, 2) over series as stray_after,
        if(stray_after, lead(transmitter_id) over series, transmitter_id) as after_id,
    from glucose
    where glucose_mgdl is not null
    window series as (partition by participant_id order by time_utc)
)
select
    participant_id,
    gap_start,
    gap_end,
    gap_start_local,
    gap_end_local,
    gap_min,
    greatest(1, round_even(gap_min / step_min, 0) - 1)::bigint as missing_readings,
    case
        when before_id is null or after_id is null then 'unknown'
        when before_id <> after_id then 'sensor_change'
        else 'loss'
    end as kind,
from spaced
where gap_min > 1.5 * step_min;
