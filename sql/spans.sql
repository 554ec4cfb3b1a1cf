-- The values that count of some participants, for what is computed of them in
-- their order. Parameters: the participants. Rows come as they lie: data files are
-- sorted, so that hardly anything is left to sort.
-- Of what each value counts as, see glucose_days.
select
    (list_position([{marks}], g.participant_id) - 1)::bigint as place,
    epoch_us(g.time_utc) as time_us,
    epoch_us(g.local_time) as local_us,
    case
        when p.sentinels = '40-400' and g.glucose_mgdl = 39 then 40
        when p.sentinels = '40-400' and g.glucose_mgdl = 401 then 400
        else g.glucose_mgdl
    end::double as value_mgdl,
    coalesce(g.cadence_min, 5)::bigint as kept_min,
from glucose g
cross join metric_preset p
where g.participant_id in ({marks})
    and g.excluded is null
    and g.glucose_mgdl is not null
    and not (p.preset = 'iglu' and g.glucose_source is not distinct from 'status')
    and not (p.sentinels = 'exclude' and g.glucose_mgdl in (39, 401))
