-- period_metrics: glucose summary per participant and 14 days.
--
-- Grain    one row per participant_id and period, also without readings
-- Source   scope_metrics and, for what depends on the order of readings, spans: consecutive 14 days from day 1, which is anchor_date,
--          else study_start, else the first local date; days before it belong
--          to no period
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the interval's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Periods  the last one is 14 days too, even if the study, or a withdrawal, ends
--          inside it, so that a rest of three days does not pass for sufficient
-- Nulls    everything computed from values is null without a value; readings
--          without local time belong to no period and readings inside
--          exclusions count nowhere
-- Columns  as in metric_catalogue
create or replace view period_metrics as
select
    participant_id,
    row_number() over (partition by participant_id order by first_date) as period,
    first_date as period_start, last_date as period_end,
    {metrics},
from internal.scope_metrics
left join internal.spans
    on of_participant = participant_id
    and of_scope = scope
    and of_label = label
    and of_first_date is not distinct from first_date
where scope = 'period';
