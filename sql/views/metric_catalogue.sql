-- metric_catalogue: what each metric means, and which views have it.
--
-- Grain    one row per metric, in the order of the columns; dexetl metrics prints those
--          of participant_metrics
-- Source   catalogue.csv of package sql, and catalogue_spans.csv for what depends on
--          the order of readings, catalogue_families.csv for what has a view of its own,
--          catalogue_iglu.csv for what has none
-- Units    none
-- Nulls    what does not apply: denominator of what is no share, loinc where there is no
--          code, parameters and edge_cases where there are none, views of what
--          dexetl metrics alone prints
-- Columns
--   metric                 name of the column
--   unit                   its unit; 1: it has none
--   definition             how it is computed
--   citation               where the definition comes from; own definition: from here
--   denominator            what a share is a share of
--   loinc                  LOINC code of the HL7 CGM implementation guide 1.0.0
--   parameters             numbers in it that others choose otherwise, and by which preset
--   edge_cases             what it is where the definition does not say so
--   version                rises when its numbers could change
--   views                  views that have it, with commas between
create or replace view metric_catalogue as
select metric, unit, definition, citation, denominator, loinc, parameters, edge_cases, version, views,
from (
    values
{catalogue}
) as catalogue (metric, unit, definition, citation, denominator, loinc, parameters, edge_cases, version, views);
