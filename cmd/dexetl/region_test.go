package main

import (
	"database/sql"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/study/config"
)

// Every region has an app and a host of its own, and a budget of its own.
func TestTwoRegions(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 14, Participants: 2, Days: 3})
	europe, err := dexsim.New(dexsim.Config{Seed: 15, Participants: 1, Days: 3, End: demoNow, Now: func() time.Time { return b.now },
		ClientID: "europe", ClientSecret: "a secret of its own"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(europe)
	t.Cleanup(server.Close)
	config, err := os.OpenFile(filepath.Join(b.dir, config.File), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	config.WriteString("\napps:\n  eu: {base_url: " + server.URL + ", client_id: europe, client_secret_file: " + b.file("secret-eu", "a secret of its own") + "}\n")
	if err := config.Close(); err != nil {
		t.Fatal(err)
	}
	b.must("participants", "import", b.file("eu.csv", "participant_id,region,study_start\nP003,eu,2026-04-12\n"))
	b.must("connect", "--import", b.file("eu-tokens.csv", "participant_id,refresh_token\nP003,"+europe.RefreshToken("P001")+"\n"))
	before := map[string]int{"custom": b.api.Stats().Calls, "eu": europe.Stats().Calls}
	b.must("backfill")
	if len(europe.Served("P001", "egvs")) == 0 || len(b.api.Served("P001", "egvs")) == 0 {
		t.Error("nothing was fetched from one of the regions")
	}
	after := map[string]int{"custom": b.api.Stats().Calls, "eu": europe.Stats().Calls}
	const chunk = 16 // calls are taken from a budget so many at a time
	for app, taken := range b.callsTaken() {
		if made := after[app] - before[app]; made == 0 || taken < made || taken >= made+chunk {
			t.Errorf("%d calls were taken from the budget of %s, %d made", taken, app, made)
		}
		delete(after, app)
	}
	if len(after) > 0 {
		t.Errorf("regions without a budget: %v", after)
	}
}

// callsTaken is what the budgets count, by app.
func (b *bench) callsTaken() map[string]int {
	b.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "state", "state.db"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select app, sum(calls) from call_buckets group by app")
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	taken := make(map[string]int)
	for rows.Next() {
		var app string
		var calls int
		if err := rows.Scan(&app, &calls); err != nil {
			b.t.Fatal(err)
		}
		taken[app] = calls
	}
	return taken
}
