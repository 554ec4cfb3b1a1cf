-- internal.scope_dates: the local dates of every scope of metric_scopes.
--
-- Grain    one row per row of metric_scopes and date of it, one for a row without dates
-- Source   metric_scopes
-- Units    local dates
-- Nulls    local_date once where readings without local time belong to the scope;
--          what is null in metric_scopes
-- Columns
--   participant_id         study pseudonym from the roster
--   scope                  see metric_scopes
--   label                  see metric_scopes
--   part                   see metric_scopes
--   first_date             see metric_scopes
--   last_date              see metric_scopes
--   cadence_min            see metric_scopes
--   timezone               see metric_scopes
--   n_unknown_local_time   see metric_scopes
--   withdrawn_at           see metric_scopes
--   length_min             see metric_scopes
--   local_date             date of the scope; infinity, which no reading has, where it has none
create or replace view internal.scope_dates as
select
    participant_id, scope, label, part, first_date, last_date, cadence_min, timezone, n_unknown_local_time, withdrawn_at, length_min,
    unnest(case
        when first_date <= last_date and takes_unknown then
            list_append(generate_series(first_date::timestamp, last_date::timestamp, interval 1 day)::date[], null)
        when first_date <= last_date then generate_series(first_date::timestamp, last_date::timestamp, interval 1 day)::date[]
        when takes_unknown then [null::date]
        else ['infinity'::date]
    end) as local_date,
from internal.metric_scopes;
