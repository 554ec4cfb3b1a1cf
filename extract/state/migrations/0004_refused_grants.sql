-- Since when Dexcom refuses the grant, when it last did, and in which words; null and '' since it worked.
alter table connections add column refused_since integer;
alter table connections add column refused_at integer;
alter table connections add column refused_said text not null default '';

-- When the grant was last renewed: what others are held against who are refused.
alter table connections add column renewed_at integer;

-- Of a grant set aside: when an answer of another account came through it; null: somebody signed in with another account.
alter table connections add column strayed_at integer;

update connections set renewed_at = (select access_issued_at from tokens t where t.connection_id = connections.connection_id);
update connections set refused_said = last_error,
	refused_since = (select min(tried_at) from refresh_tries r where r.connection_id = connections.connection_id and r.tried_at > coalesce(renewed_at, 0)),
	refused_at = (select max(tried_at) from refresh_tries r where r.connection_id = connections.connection_id)
	where status in ('auth_suspect', 'needs_reconsent');
