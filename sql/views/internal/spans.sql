-- internal.spans: span_metrics, with keys that no metric is called like.
--
-- Grain    one row per row of span_metrics
-- Source   span_metrics
-- Units    see metric_catalogue
-- Nulls    where a metric does not exist
-- Columns  as in metric_catalogue, and
--   of_participant         see span_metrics
--   of_scope               see span_metrics
--   of_label               see span_metrics
--   of_first_date          see span_metrics
create or replace view internal.spans as
select
    participant_id as of_participant,
    scope as of_scope,
    label as of_label,
    first_date as of_first_date,
    {span_metrics},
from main.span_metrics;
