-- What of a participant was refused in the last fetch that came to its end: asked
-- again it is refused again, until the study team does something.
create table fetch_refusals (
  participant_id text not null references participants on delete cascade,
  resource       text not null,
  status         integer not null, -- HTTP
  words          text not null,    -- what the server said, fit to be shown; '': nothing
  primary key (participant_id, resource)
) strict;
