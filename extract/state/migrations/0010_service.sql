-- Since when the API knows somebody, and what it gave them that the roster may correct.
alter table api_users add column created_at integer;
alter table api_users add column zone_at integer;                     -- when it set the time zone; null: it did not
alter table api_users add column assumed_start text not null default ''; -- study_start that nobody gave; '': none

-- Who was deleted over the API. Their tokens are kept for a while, and used by nobody.
create table deletions (
  participant_id text not null primary key references participants on delete cascade,
  deleted_at     integer not null,
  was_paused     integer not null -- 1: before that, too
) strict;

-- Links that a program made for somebody who is in it.
create table link_tokens (
  token_hash text not null primary key references invitations on delete cascade,
  return_to  text not null -- where the browser goes in the end; '': our page
) strict;

-- Refreshes on demand.
create table refreshes (
  participant_id text not null references participants on delete cascade,
  asked_at       integer not null
) strict;

create index refreshes_participant on refreshes (participant_id, asked_at);
