-- internal.scope_dates: the local dates of every scope of metric_scopes.
--
-- Grain    one row per row of metric_scopes and date of it
-- Source   metric_scopes
-- Units    local dates
-- Nulls    local_date once where readings without local time belong to the scope
-- Columns
--   participant_id         study pseudonym from the roster
--   scope                  see metric_scopes
--   part                   see metric_scopes
--   local_date             date of the scope
create or replace view internal.scope_dates as
select
    participant_id, scope, part,
    unnest(list_concat(
        generate_series(first_date::timestamp, last_date::timestamp, interval 1 day)::date[],
        if(takes_unknown, [null::date], [])
    )) as local_date,
from internal.metric_scopes;
