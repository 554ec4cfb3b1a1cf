-- Keys of the API. A key itself is nowhere.
create table api_keys (
  key_id       integer primary key,
  name         text not null,
  hash         blob not null unique, -- SHA-256 of the key
  shown        text not null,        -- its beginning and end, by which people know it
  scope        text not null check (scope in ('read', 'manage')),
  notes        integer not null,     -- 1: free text of events, too
  unblinded    integer not null,     -- 1: glucose of a blinded study, too
  cohort       text not null,        -- '': everybody
  created_at   integer not null,
  last_used_at integer,              -- to the minute; null: never
  revoked_at   integer               -- null: it works
) strict;

-- The audit trail says who by the name of a key, so no name is given twice.
create unique index api_keys_name on api_keys (name collate nocase);

-- The ids by which the API knows people. They are random, and say nothing of anybody.
create table api_users (
  participant_id text not null primary key references participants on delete cascade,
  user_id        text not null unique
) strict;
