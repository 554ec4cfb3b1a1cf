-- window_metrics: glucose summary per participant and analysis window.
--
-- Grain    one row per participant_id and window of windows.csv, also without
--          readings
-- Source   scope_metrics and, for what depends on the order of readings, spans; a window for everyone (*) gives way to a participant's
--          own row of the same name
-- Units    glucose mg/dL; *_pct are percent of n_values, 0 to 100, but
--          active_window_pct of the interval's minutes; *_min are minutes
-- Ranges   70 to 180 mg/dL inclusive (Battelino 2019, doi 10.2337/dci19-0028);
--          every definition with its citation is in metric_catalogue
-- Slots    1, 5 or 15 minutes wide, as the values say; see scope_metrics
-- Nulls    everything computed from values is null without a value; the dates
--          of a window in study days where the roster has no anchor_date;
--          readings without local time belong to no window and readings inside
--          exclusions count nowhere
-- Columns  as in metric_catalogue
create or replace view window_metrics as
select
    participant_id, label as window_name, first_date as window_start, last_date as window_end,
    {metrics},
    label as "window",
from internal.scope_metrics
left join internal.spans
    on of_participant = participant_id
    and of_scope = scope
    and of_label = label
    and of_first_date is not distinct from first_date
where scope = 'window';
