-- One row per participant of the snapshot: what arrived, how complete the last
-- 14 days of the study are, and what was asked last.
with
recent as (
    select
        participant_id,
        round(100.0 * sum(n_slots) / nullif(sum(expected_slots), 0), 1) as complete_14d_pct,
    from (
        select participant_id, n_slots, expected_slots,
        from completeness
        qualify row_number() over (partition by participant_id order by local_date desc) <= 14
    )
    group by participant_id
),
wide as (
    select participant_id, count(*) as gaps_over_1h,
    from gaps
    where gap_min > 60
    group by participant_id
),
asked as (
    select participant_id, max(last_asked_at) as last_asked_at,
    from fetch_status
    group by participant_id
)
select
    f.participant_id,
    f.records as egvs,
    f.newest_record,
    f.lag_min,
    r.complete_14d_pct,
    coalesce(w.gaps_over_1h, 0) as gaps_over_1h,
    a.last_asked_at,
    f.state,
    (epoch(a.last_asked_at - f.newest_record) // 86400)::bigint as silent_days,
from fetch_status f
left join recent r on r.participant_id = f.participant_id
left join wide w on w.participant_id = f.participant_id
left join asked a on a.participant_id = f.participant_id
where f.resource = 'egvs'
order by f.participant_id
