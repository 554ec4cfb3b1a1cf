-- metric_catalogue: what each metric means, of the metric views and of dexetl metrics.
--
-- Grain    one row per metric, in the order of the columns
-- Source   catalogue.csv of package sql, and catalogue_spans.csv for what depends on
--          the order of readings
-- Units    none
-- Nulls    what does not apply: unit of a code, denominator of what is no share,
--          citation of a plain count, loinc where there is no code, parameters and
--          edge_cases where there are none
-- Columns
--   metric                 name of the column
--   unit                   its unit
--   definition             how it is computed
--   citation               where the definition comes from
--   denominator            what a share is a share of
--   loinc                  LOINC code of the HL7 CGM implementation guide 1.0.0
--   parameters             numbers in it that others choose otherwise, and by which preset
--   edge_cases             what it is where the definition does not say so
--   version                rises when its numbers could change
create or replace view metric_catalogue as
select metric, unit, definition, citation, denominator, loinc, parameters, edge_cases, version,
from (
    values
{catalogue}
) as catalogue (metric, unit, definition, citation, denominator, loinc, parameters, edge_cases, version);
