-- Who was erased: whoever is here has nothing but a name anywhere. Stage is the next thing
-- to be done; 'done': nothing is.
create table erasures (
  participant_id text not null primary key references participants,
  stage          text not null,
  begun_at       integer not null,
  done_at        integer,       -- null: it goes on
  reason         text not null, -- until it is done; then the receipt has it
  receipt        text not null  -- its file in the folder receipts, once it is written
) strict;

-- What the receipt of an erasure that goes on will say.
create table erasure_notes (
  participant_id text not null references erasures on delete cascade,
  kind           text not null, -- raw, data, manifest, ...
  path           text not null,
  before         text not null, -- SHA-256 of the file as it was; '': not known
  after          text not null, -- of what took its place; '': nothing did
  what           text not null, -- path of what took its place; ''
  items          integer not null, -- answers, rows or lines that went
  primary key (participant_id, kind, path)
) strict;
