package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/webhook"
)

// Status names the endpoints that get nothing, with why, since when and what to do, and
// the people whose first date the API assumed; a key of a cohort is told of its people
// alone.
func TestStatusTellsOfTheService(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	a.must("participants", "import", a.file("more.csv", "participant_id,cohort\nP002,X\n"))
	es, ctx := a.service.p.endpoints(a.service.study), t.Context()
	a.allowPrivate()
	for range 5 {
		a.must("webhooks", "add", "http://127.0.0.1:9/")
	}
	since := demoNow.Add(-time.Hour)
	for id, change := range map[int64]func(*webhook.Endpoint){
		2: func(e *webhook.Endpoint) { e.DisabledAt, e.Why = since, webhook.Gone },
		3: func(e *webhook.Endpoint) { e.FailingSince = since },
		4: func(e *webhook.Endpoint) { e.DisabledAt, e.Why = since, webhook.Asked },
		5: func(e *webhook.Endpoint) { e.DisabledAt, e.Why, e.MadeBy = since, webhook.Revoked, "clinic" },
	} {
		_, err := es.Edit(ctx, id, change)
		check(t, err)
	}
	ids := access.Identities{Store: a.service.study.Store}
	for _, row := range a.query("select participant_id, study_start::date::text from participants") {
		day, err := time.Parse(time.DateOnly, row[1])
		check(t, err)
		if row[0] == "P003" {
			day = day.AddDate(0, 0, -1) // the roster has another one meanwhile
		}
		check(t, ids.StartAssumed(ctx, row[0], day))
	}
	type told struct {
		Rows []struct {
			ParticipantID string `json:"participant_id"`
			AssumedStart  string `json:"assumed_start"`
		}
		Webhooks []map[string]any
	}
	read := func(text string) (s told, starts map[string]string) {
		check(t, json.Unmarshal([]byte(text), &s))
		starts = make(map[string]string)
		for _, r := range s.Rows {
			starts[r.ParticipantID] = r.AssumedStart
		}
		return s, starts
	}
	s, starts := read(a.must("status", "--json"))
	if starts["P001"] == "" || starts["P002"] == "" || starts["P003"] != "" {
		t.Errorf("assumed_start: %v, want those of P001 and P002", starts)
	}
	at := since.Format(time.RFC3339)
	want := []map[string]any{
		{"endpoint": "ep2", "disabled_at": at, "disabled_why": "gone", "failing_since": nil, "to_do": "dexetl webhooks enable ep2"},
		{"endpoint": "ep3", "disabled_at": nil, "disabled_why": nil, "failing_since": at, "to_do": "dexetl webhooks deliveries ep3 --pending"},
		{"endpoint": "ep4", "disabled_at": at, "disabled_why": "asked", "failing_since": nil, "to_do": "dexetl webhooks enable ep4"},
		{"endpoint": "ep5", "disabled_at": at, "disabled_why": "revoked", "failing_since": nil, "to_do": "dexetl webhooks show ep5"},
	}
	got, _ := json.Marshal(s.Webhooks)
	if text, _ := json.Marshal(want); string(got) != string(text) {
		t.Errorf("webhooks: %s\nwant %s", got, text)
	}
	_, table, said := a.run("status")
	for _, line := range []string{"endpoint ep2 is disabled since 2026-04-15 11:00 UTC: it answered 410 Gone\nnext: dexetl webhooks enable ep2\n",
		"endpoint ep3 takes nothing since 2026-04-15 11:00 UTC; it is tried again\n", "(serve.default_history)"} {
		if !strings.Contains(said, line) {
			t.Errorf("status does not say %q:\n%s", line, said)
		}
	}
	if strings.Contains(said, "ep4") || strings.Contains(said, "ep5") || !strings.Contains(table, "assumed_start") {
		t.Errorf("status tells of ep4 or ep5, which are disabled on purpose, or not of assumed_start:\n%s\n%s", said, table)
	}
	if _, _, said := a.run("webhooks", "enable", "ep5"); !strings.Contains(said, "set by key clinic, which is revoked") {
		t.Errorf("webhooks enable does not say that the key is revoked:\n%s", said)
	}
	secret, _, err := a.service.api().Keys.Add(ctx, "cohort", access.Rights{Scope: access.Read, Cohort: "X"})
	check(t, err)
	a.key = string(secret)
	_, body := a.get("/v1/status")
	if s, starts := read(body); len(s.Webhooks) != 0 || len(starts) != 1 || starts["P002"] == "" {
		t.Errorf("a key of cohort X is told of endpoints %v and starts %v, want P002's alone", s.Webhooks, starts)
	}
}
