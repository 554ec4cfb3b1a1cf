-- A digest of who was selected, of runs that may be gone on with; else ''.
alter table runs add column people text not null default '';

-- When the grant came that is used: later than created_at after consenting again.
alter table connections add column granted_at integer not null default 0;
update connections set granted_at = created_at;
