-- internal.value_scores: what each value counts as, and its scores.
--
-- Grain    one row per whole mg/dL that may be glucose, 20 to 600
-- Source   metric_preset
-- Units    glucose mg/dL; scores 1e-15
-- Rules    the values of a zone lie on the same side of every bound that metrics ask
--          for, so that what holds for the lowest of them holds for all
-- Nulls    none
-- Columns
--   glucose_mgdl           see glucose
--   g                      what it counts as; see scope_values
--   zone                   how many zones begin up to it; 39 and 401 are zones of their own
--   is_iglu                it is by preset iglu
--   unit                   mg/dL of a mmol/L
--   scale                  of the risk
--   risk                   below 0 of a low, before it is squared and scaled
--   low_risk               risk of a low
--   high_risk              risk of a high
--   grade                  GRADE
--   hypo                   hypo index
--   hyper                  hyper index
--   m                      M-value
create or replace view internal.value_scores as
with placed as (
    select
        r.glucose_mgdl::smallint as glucose_mgdl,
        case
            when p.sentinels = '40-400' and r.glucose_mgdl = 39 then 40
            when p.sentinels = '40-400' and r.glucose_mgdl = 401 then 400
            else r.glucose_mgdl
        end::double as g,
        p.preset = 'iglu' as is_iglu,
        1 as n,
    from range(20, 601) as r(glucose_mgdl)
    cross join main.metric_preset p
),
scored as (
    select
        glucose_mgdl, g, is_iglu,
        {value_scores},
    from placed
)
select
    glucose_mgdl, g,
    len(list_filter([39, 40, 50, 54, 60, 63, 70, 71, 80, 121, 141, 181, 201, 251, 301, 351, 401, 402], lambda bound: bound <= glucose_mgdl)) as zone,
    is_iglu, unit, scale, risk, low_risk, high_risk, grade, hypo, hyper, m,
from scored;
