-- internal.days: day_metrics, of the files that a snapshot has of them.
--
-- Grain    one row per participant_id and local_date of the study
-- Source   files with the rows of day_metrics, for day_metrics takes long; where a
--          snapshot has none, as here, day_metrics itself
-- Units    as in day_metrics
-- Nulls    as in day_metrics
-- Columns  as in metric_catalogue
create or replace view internal.days as
select
    participant_id, first_date as local_date,
    {day_metrics},
from internal.day_metrics;
