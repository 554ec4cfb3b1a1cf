-- Instants are microseconds since 1970 UTC (null: none), dates yyyy-mm-dd text
-- ('': none), naive local instants yyyy-mm-ddThh:mm:ss text.

create table meta (
  key   text not null primary key,
  value text not null
) strict;

-- The audit trail is the file audit.jsonl. Here are its end and the lines that
-- were committed with their changes and are on their way to the file.
create table audit_head (
  only  integer primary key check (only = 1),
  seq   integer not null, -- of the newest line; 0: none yet
  hash  text not null,    -- of that line
  bytes integer not null  -- length of the file when it was last written
) strict;

insert into audit_head values (1, 0, '', 0);

create table audit_pending (
  seq  integer primary key,
  line blob not null
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

-- All that was ever stated; the newest of a participant counts.
create table withdrawals (
  withdrawal_id  integer not null primary key,
  participant_id text not null references participants,
  effective_at   integer not null, -- records from it on are not the study's
  recorded_at    integer not null,
  reason         text not null,
  who            text not null
) strict;

create table connections (
  connection_id  text not null primary key,
  participant_id text not null references participants,
  region         text not null,
  account_hash   text not null, -- '': not yet known whose account it is
  status         text not null check (status in ('connected', 'auth_suspect', 'needs_reconsent', 'exported', 'ended')),
  aside          integer not null default 0, -- 1: another account than the participant's, not confirmed
  valid_from     integer,
  valid_to       integer,
  created_at     integer not null,
  last_error     text not null,
  begun_because  text not null default '', -- why it took over from another account or participant
  ended_because  text not null default ''
) strict;

create index connections_participant on connections (participant_id);

-- One account serves one participant at a time, whatever the code above believes.
create unique index connections_account on connections (account_hash)
  where account_hash <> '' and status <> 'ended';

-- Nor did it serve two participants in the past: their intervals are disjoint.
create trigger connections_intervals before update of account_hash, valid_from, valid_to on connections when new.account_hash <> ''
begin
  select raise(abort, 'one account would be two participants at once')
  where exists (
    select 1 from connections o
    where o.account_hash = new.account_hash and o.participant_id <> new.participant_id
      and coalesce(o.valid_from, 0) < coalesce(o.valid_to, 9223372036854775807)
      and coalesce(o.valid_from, 0) < coalesce(new.valid_to, 9223372036854775807)
      and coalesce(new.valid_from, 0) < coalesce(o.valid_to, 9223372036854775807)
  );
end;

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
  invitation     text not null, -- token_hash of the link that led here; '': none
  created_at     integer not null,
  expires_at     integer not null,
  used_at        integer
) strict;

-- Links that were handed out. A link itself is nowhere.
create table invitations (
  token_hash     text not null primary key, -- keyed hash
  participant_id text not null references participants on delete cascade,
  created_at     integer not null,
  expires_at     integer not null,
  opened_at      integer, -- these are set once: the first time
  denied_at      integer,
  connected_at   integer,
  revoked_at     integer
) strict;

create index invitations_participant on invitations (participant_id);

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

-- How the last fetch of a participant that came to its end went, whichever run.
create table fetch_outcomes (
  participant_id text not null primary key references participants on delete cascade,
  run_id         text not null,
  ended_at       integer not null,
  error          text not null, -- '': everything that was due is held
  resource       text not null, -- that the error is about; '': none in particular
  done_at        integer        -- when last everything was held; null: never
) strict;

-- What nobody knew and was warned about, once.
create table warned (
  field text not null,
  value text not null,
  primary key (field, value)
) strict;

create table runs (
  run_id     text not null primary key,
  holder     text not null, -- process: its file in the folder holders is locked while it lives
  command    text not null,
  started_at integer not null,
  ended_at   integer,
  exit_code  integer,
  calls      integer not null,
  answers    integer not null,
  version    text not null
) strict;
