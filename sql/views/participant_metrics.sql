-- participant_metrics: glucose summary of each participant over the study.
--
-- Grain    one row per participant_id, also without readings
-- Source   scope_metrics and, for what depends on the order of readings, spans: study_start to study_end of the roster, without
--          study_end to the day last asked, and no further than a withdrawal; all
--          readings where the roster gives no date. See study_intervals
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the interval's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Nulls    everything computed from values is null without a value; readings
--          without local time count only where the roster gives no study dates,
--          readings inside exclusions nowhere
-- Columns  as in metric_catalogue
create or replace view participant_metrics as
select
    participant_id, first_date, last_date,
    {metrics},
from internal.scope_metrics
left join internal.spans
    on of_participant = participant_id
    and of_scope = scope
    and of_label = label
    and of_first_date is not distinct from first_date
where scope = 'participant';
