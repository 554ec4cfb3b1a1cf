-- From when to when there are records of each transmitter, and of none, in egvs: of all,
-- or of one month's data files.
select participant_id, transmitter_id, min(system_time) as first_time, max(system_time) as last_time,
from egvs
where vanished_at is null
group by participant_id, transmitter_id
