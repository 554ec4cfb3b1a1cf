-- One row per answer about time before somebody was connected, in the order in which they
-- came. ?1 is a list such as P001=1767225600000000, with the microsecond of that.
with
who as (
    select split_part(pair, '=', 1) as participant_id, make_timestamp(split_part(pair, '=', 2)::bigint) as connected_at
    from (select unnest(string_split(?1, ',')) as pair)
)
select r.participant_id, r.resource, r.run_id, r.window_start, least(r.window_end, w.connected_at) as window_end, r.asked_at
from requests r
join who w on w.participant_id = r.participant_id
where r.resource in ('egvs', 'events') and r.outcome = 'applied' and r.beat <> 'stray' and r.window_start < w.connected_at
order by r.participant_id, r.resource, r.asked_at, r.window_start
