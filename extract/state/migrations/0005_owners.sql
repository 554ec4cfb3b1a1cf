-- Keyed hashes that say to whom a row belongs; '': none yet. Package consent has the key.
alter table connections add column seal text not null default ''; -- of id, participant, region and account
alter table tokens add column seal text not null default '';      -- of connection and both refresh hashes
alter table tokens add column previous_hash text not null default ''; -- keyed hash of previous's refresh token; '': none, or not known
alter table token_answers add column seal text not null default ''; -- of the row and of what is sealed in it
alter table oauth_states add column seal text not null default '';  -- of the row
alter table invitations add column seal text not null default '';   -- of link and participant
