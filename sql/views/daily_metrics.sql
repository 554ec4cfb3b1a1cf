-- daily_metrics: glucose summary per participant and local day.
--
-- Grain    one row per participant_id and local_date of the study, also
--          without readings
-- Source   day_metrics and, for what depends on the order of readings, spans: study_start, else the first date with a reading, to
--          study_end, else the day last asked where the roster gives study_start
--          or anchor_date, else the last date with a reading, and no further than
--          a withdrawal; see study_intervals
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the interval's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Days     expected_slots follows the participant's time zone (23, 24 or 25 h);
--          without one, the offsets of the day's readings
-- Nulls    everything computed from values is null without a value; readings
--          without local time belong to no day and readings inside exclusions
--          count nowhere
-- Columns  as in metric_catalogue
create or replace view daily_metrics as
select
    participant_id, first_date as local_date,
    {metrics},
from internal.day_metrics
left join internal.spans
    on of_participant = participant_id
    and of_scope = scope
    and of_label = label
    and of_first_date = first_date;
