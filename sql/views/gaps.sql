-- gaps: where readings are missing: between two of them, after the last one, or
-- all of them.
--
-- Grain    one row per participant_id and gap_start
-- Source   glucose, readings with a value; study_bounds; exclusions do not matter
--          here
-- Units    minutes; times UTC and local
-- Rules    a gap is a distance of more than 1.5 times the cadence (7.5 min at 5
--          min) between successive readings with a value; where the cadence
--          changes between the two, of the longer one
-- Open     a gap after the last reading has no end. It is told if it lasts more
--          than 3 hours, in which readings come to Dexcom, up to expected_until
--          of study_bounds: when readings were last asked for, or the end of the
--          study or a withdrawal before that
-- Never    of a participant of the roster without a reading: from study_start on,
--          else from the beginning of what was asked for
-- Kinds    the transmitter of a side is that of the reading next to the gap. If
--          the two beyond that reading agree on another one, and lie nearer to
--          it than the other end of the gap, it is theirs: a stray reading of a
--          transmitter that runs no longer, or not yet, changes nothing
-- Nulls    gap_start_local, gap_end_local without local time; gap_end of open and
--          never; of never gap_start_local, gap_start where nothing says when
--          readings were to begin, and gap_min where they were not yet, or nobody
--          asked
-- Columns
--   participant_id         study pseudonym from the roster
--   gap_start              UTC; last reading before the gap; of never when readings were to begin: study_start, else the beginning of what was asked for
--   gap_end                UTC; first reading after it; null: there is none yet
--   gap_start_local        wall clock of gap_start
--   gap_end_local          wall clock of gap_end
--   gap_min                minutes between the two; of open and never up to when readings could be expected
--   missing_readings       readings that the cadence lets expect in it
--   kind                   sensor_change (another transmitter afterwards), loss (the same), unknown (a transmitter_id is missing), open (after the last reading), never (no reading at all)
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
),
latest as (
    select
        participant_id,
        max(time_utc) as last_utc,
        arg_max_null(local_time, time_utc) as last_local,
        arg_max(coalesce(cadence_min, 5), time_utc) as cadence_min,
    from glucose
    where glucose_mgdl is not null
    group by participant_id
),
unended as (
    select
        b.participant_id,
        l.participant_id is null as is_never,
        coalesce(l.last_utc, b.starts_at, b.asked_from) as gap_start,
        l.last_local as gap_start_local,
        coalesce(l.cadence_min, 5) as step_min,
        if(b.expected_until >= gap_start, (epoch_us(b.expected_until) - epoch_us(gap_start)) / 6e7, null) as gap_min,
    from study_bounds b
    left join latest l on l.participant_id = b.participant_id
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
where gap_min > 1.5 * step_min
union all
select
    participant_id,
    gap_start,
    null,
    gap_start_local,
    null,
    gap_min,
    (gap_min // step_min)::bigint,
    if(is_never, 'never', 'open'),
from unended
where is_never or gap_min > 180;
