-- Instants are microseconds since 1970 UTC (null: none), dates yyyy-mm-dd text
-- ('': none), naive local instants yyyy-mm-ddThh:mm:ss text.

create table meta (
  key   text not null primary key,
  value text not null
) strict;

create table participants (
  participant_id text not null primary key,
  site           text not null,
  cohort         text not null,
  arm            text not null,
  status         text not null,
  status_date    text not null,
  consent_date   text not null,
  anchor_date    text not null,
  study_start    text not null,
  study_end      text not null,
  timezone       text not null,
  region         text not null,
  paused         integer not null default 0
) strict;

-- P001 and p001 would be one file name on half of the world's disks.
create unique index participants_nocase on participants (participant_id collate nocase);

create table windows (
  participant_id text not null, -- or *
  window         text not null,
  start_date     text not null,
  end_date       text not null,
  start_day      integer not null, -- 0: the window has dates
  end_day        integer not null,
  primary key (participant_id, window)
) strict;

create table exclusions (
  participant_id text not null references participants,
  from_local     text not null, -- inclusive
  to_local       text not null, -- exclusive
  reason         text not null,
  primary key (participant_id, from_local, to_local)
) strict;

create table connections (
  connection_id  text not null primary key,
  participant_id text not null references participants,
  region         text not null,
  account_hash   text not null, -- '': not yet known whose account it is
  status         text not null check (status in ('connected', 'auth_suspect', 'needs_reconsent', 'ended')),
  aside          integer not null default 0, -- 1: another account than the participant's, not confirmed
  valid_from     integer,
  valid_to       integer,
  created_at     integer not null,
  last_error     text not null
) strict;

create index connections_participant on connections (participant_id);

-- One account serves one participant at a time, whatever the code above believes.
create unique index connections_account on connections (account_hash)
  where account_hash <> '' and status <> 'ended';

create table tokens (
  connection_id     text not null primary key references connections on delete cascade,
  current           blob not null, -- sealed pair
  previous          blob,          -- sealed pair before it, until current has been spent well
  refresh_hash      text not null, -- keyed hash of current's refresh token
  access_issued_at  integer,       -- null: current holds no access token
  access_expires_at integer,
  failures          integer not null, -- refreshes without a usable answer since the last good one
  refusals          integer not null, -- invalid_grant answers since the last good refresh
  retry_at          integer,          -- no refresh before
  updated_at        integer not null
) strict;

create table refresh_intents (
  connection_id text not null primary key references tokens on delete cascade,
  old_hash      text not null, -- of the refresh token about to be spent
  created_at    integer not null
) strict;

-- No reference to connections: the answer to a code precedes its connection.
create table token_answers (
  answer_id      text not null primary key,
  connection_id  text not null,
  participant_id text not null references participants,
  region         text not null,
  old_hash       text not null, -- '': answer to an authorisation code
  http_status    integer not null,
  sealed         blob not null, -- body as received
  received_at    integer not null,
  unreadable     text not null  -- why it could not be used; '' while it waits
) strict;

create index token_answers_connection on token_answers (connection_id);

create table refresh_tries (
  connection_id text not null references connections on delete cascade,
  tried_at      integer not null,
  outcome       text not null
) strict;

create index refresh_tries_connection on refresh_tries (connection_id, tried_at);

create table oauth_states (
  state_hash     text not null primary key,
  participant_id text not null references participants,
  region         text not null,
  redirect_uri   text not null,
  created_at     integer not null,
  expires_at     integer not null,
  used_at        integer
) strict;

-- A token file imported again must not present a token that was spent since.
create table imported_tokens (
  refresh_hash text not null primary key,
  imported_at  integer not null
) strict;

create table leases (
  name       text not null primary key,
  owner      text not null,
  holder     text not null, -- process: its file in the folder holders is locked while it lives
  expires_at integer not null
) strict;

create table call_buckets (
  app    text not null,
  minute integer not null, -- since 1970
  calls  integer not null,
  primary key (app, minute)
) strict;

-- What nobody knew and was warned about, once.
create table warned (
  field text not null,
  value text not null,
  primary key (field, value)
) strict;

create table runs (
  run_id     text not null primary key,
  command    text not null,
  started_at integer not null,
  ended_at   integer,
  exit_code  integer,
  calls      integer not null,
  answers    integer not null,
  version    text not null
) strict;
