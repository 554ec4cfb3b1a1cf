-- Where events are sent to. An id is never given twice, so that a delivery cannot
-- reach somebody else.
create table webhook_endpoints (
  endpoint_id   integer primary key autoincrement,
  url           text not null,
  description   text not null,
  events        text not null,     -- kinds, with spaces between; '': all that it may get
  unblinded     integer not null,  -- as the rights of a key, see api_keys
  notes         integer not null,
  cohort        text not null,
  headers       blob,              -- that are sent besides, JSON, sealed with the study's key
  per_second    integer not null,  -- events at most; 0: as many as it takes
  secret        blob not null,     -- sealed with the study's key
  old_secret    blob,              -- those before rotations, JSON, sealed, each with until when it signs
  old_until     integer,           -- until when the last of them signs
  made_by       text not null default '', -- the key that set the url; '': a person did
  created_at    integer not null,
  updated_at    integer not null,
  disabled_at   integer,           -- null: it gets events
  disabled_why  text not null,     -- 'asked', 'revoked' (a key), 'outdated' (the state), 'gone' (410) or 'failing'; '': it gets events
  failing_since integer,           -- the first failure since the last success
  succeeded_at  integer,           -- the last success
  wait_until    integer            -- as it asked with Retry-After
) strict;

-- What happened, as it is sent. Each is kept for 30 days, so that it can be sent again.
create table webhook_events (
  seq            integer primary key autoincrement, -- in this order it is sent
  event_id       text not null unique,
  kind           text not null,
  participant_id text references participants on delete cascade, -- null: nobody's
  snapshot       integer not null, -- that brought it; 0: none
  body           blob not null,
  created_at     integer not null
) strict;
create index webhook_events_age on webhook_events (created_at);
create index webhook_events_of on webhook_events (participant_id);

-- What is to be sent to whom, and what became of it.
create table webhook_deliveries (
  endpoint_id    integer not null references webhook_endpoints on delete cascade,
  seq            integer not null references webhook_events on delete cascade,
  lane           text not null,     -- the participant, or '': of one lane one after the other
  attempts       integer not null default 0,
  first_tried_at integer,
  tried_at       integer,
  next_at        integer,           -- when to try again; null: at once
  status         integer,           -- the last answer's; null: there was none
  error          text not null default '', -- of the last attempt
  done_at        integer,           -- null: it is to be sent
  given_up       integer not null default 0, -- 1: done is that it was tried in vain
  primary key (endpoint_id, seq)
) strict, without rowid;
create index webhook_pending on webhook_deliveries (endpoint_id, lane, seq) where done_at is null;
create index webhook_deliveries_seq on webhook_deliveries (seq);

-- Whose history is complete, by resource, since which snapshot; 0: since before anybody
-- wanted to know.
create table webhook_histories (
  participant_id text not null references participants on delete cascade,
  resource       text not null,
  snapshot       integer not null,
  primary key (participant_id, resource)
) strict, without rowid;

-- Up to which snapshot all events are in webhook_events: one row, or none while
-- nobody is to be told.
create table webhook_outbox (
  one      integer primary key check (one = 1),
  snapshot integer not null
) strict;
