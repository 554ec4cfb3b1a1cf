-- Of the calls of a minute, how many were granted at once; the others are spread.
alter table call_buckets add column at_once integer not null default 0;
-- The time for which the last of them was granted; null: there are none.
alter table call_buckets add column last_even integer;
-- 1: the API refused a call as one too many.
alter table call_buckets add column refused integer not null default 0;
