-- When whoever signed in by it last did not say that the account is theirs; null: never.
alter table invitations add column doubted_at integer;

-- Keyed hash of the cookie of the browser that began a consent; '': of no browser that is known.
alter table oauth_states add column browser text not null default '';

create index oauth_states_invitation on oauth_states (invitation, created_at) where invitation <> '';

-- Answers to codes that another browser brought than the one that began. They are no
-- grants: whoever sits there is asked, and without a yes the answer is destroyed.
create table unconfirmed (
  answer_id     text not null primary key references token_answers on delete cascade,
  invitation    text not null,    -- token_hash of the link that led here; '': none
  browser       text not null,    -- keyed hash of the cookie of the browser that is asked
  expires_at    integer not null,
  seen          integer not null default 0, -- 1: the account was asked since when it has readings
  first_reading integer           -- null: it has none
) strict;

create index unconfirmed_browser on unconfirmed (browser);
