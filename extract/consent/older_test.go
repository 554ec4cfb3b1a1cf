package consent

import (
	"context"
	"testing"
	"time"
)

// A study that an older program began goes on.
func TestOlderSchema(t *testing.T) {
	oneAfterTheOther(t)
	ctx, dir, c := t.Context(), t.TempDir(), newTick()
	s := openLedger(t, dir, c)
	addAll(t, s, "P001")
	for _, statement := range []string{
		`insert into connections (connection_id, participant_id, region, account_hash, status, created_at, last_error) values ('C1', 'P001', 'us', '', 'connected', 1773489600000000, '')`,
		`insert into connections (connection_id, participant_id, region, account_hash, status, created_at, last_error) values ('C2', 'P001', 'us', '', 'auth_suspect', 1773489600000000, 'invalid_grant')`,
		`insert into tokens (connection_id, current, refresh_hash, access_issued_at, failures, refusals, updated_at) values ('C2', x'00', 'y', 1773493200000000, 0, 2, 0)`,
		"insert into refresh_tries values ('C2', 1773490000000000, '503'), ('C2', 1773496800000000, 'invalid_grant'), ('C2', 1773504000000000, 'invalid_grant')",
		"alter table connections drop column refused_since",
		"alter table connections drop column refused_at",
		"alter table connections drop column refused_said",
		"alter table connections drop column renewed_at",
		"alter table connections drop column strayed_at",
		"alter table connections drop column granted_at",
		"alter table connections drop column seal",
		"alter table tokens drop column seal",
		"alter table tokens drop column previous_hash",
		"alter table token_answers drop column seal",
		"alter table oauth_states drop column seal",
		"alter table invitations drop column seal",
		"alter table runs drop column people",
		"insert into runs (run_id, holder, command, started_at, calls, answers, version) values ('R1', 'H', 'sync', 1773489600000000, 3, 2, '1')",
		"drop table fetch_refusals",
		"drop table unconfirmed",
		"alter table invitations drop column doubted_at",
		"drop index oauth_states_invitation",
		"alter table oauth_states drop column browser",
		"alter table call_buckets drop column at_once",
		"alter table call_buckets drop column last_even",
		"alter table call_buckets drop column refused",
		"drop table erasure_notes",
		"drop table erasures",
		"drop table webhook_outbox",
		"drop table webhook_histories",
		"drop table webhook_deliveries",
		"drop table webhook_events",
		"drop table webhook_endpoints",
		"drop table refreshes",
		"drop table link_tokens",
		"drop table deletions",
		"drop table api_users",
		"drop table api_keys",
		"pragma user_version = 1",
	} {
		if _, err := s.Store.Exec(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	s.Close()
	s = openLedger(t, dir, c)
	connections, err := s.Connections(ctx)
	if err != nil || len(connections) != 2 || !connections[0].GrantedAt.Equal(connections[0].CreatedAt) || connections[0].CreatedAt.IsZero() {
		t.Fatalf("connections %+v, %v; want the two there were, whose grants came when they were made", connections, err)
	}
	first := time.Date(2026, 3, 14, 14, 0, 0, 0, time.UTC)
	if c := connections[1]; !c.RefusedSince.Equal(first) || !c.RefusedAt.Equal(first.Add(2*time.Hour)) || c.RefusedSaid != "invalid_grant" || c.Unclear || !c.RenewedAt.Equal(first.Add(-time.Hour)) {
		t.Errorf("connection %+v; want that it was renewed at 13:00 and is refused since %s", c, first)
	}
	if c := connections[0]; !c.RefusedSince.IsZero() || c.RefusedSaid != "" || c.Unclear {
		t.Errorf("connection %+v; want that it was never refused", c)
	}
	runs, err := s.Runs(ctx)
	if err != nil || len(runs) != 1 || runs[0].Calls != 3 || runs[0].People != "" {
		t.Errorf("runs %+v, %v; want the one there was", runs, err)
	}
}
