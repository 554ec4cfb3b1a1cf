package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// withdrawnTables are the tables that hold records, what a row must meet to be
// from before cut, and the columns that are not as they were: a device's last
// upload comes later than the row, and what an answer of P001 brought is counted
// without what has left.
func withdrawnTables(cut string) map[string][2]string {
	recorded := "system_time < " + cut
	return map[string][2]string{
		"glucose": {"time_utc < " + cut}, "egvs": {recorded}, "events": {recorded}, "calibrations": {recorded}, "alerts": {recorded},
		"devices": {"valid_from < " + cut, "exclude (last_upload_date)"}, "alert_settings": {"valid_from < " + cut},
		"rejects":  {"coalesce(try_cast(raw->>'systemTime' as timestamp), seen_at) < " + cut},
		"requests": {"true", "exclude (new, changed, vanished, confirms), if(participant_id = 'P001', null, [new, changed, vanished, confirms::bigint]) as brought"},
	}
}

// rowsBefore returns all rows that a withdrawal of P001 from cut on leaves, if
// it has yet to come, or all there are.
func (b *bench) rowsBefore(cut string, all bool) []string {
	b.t.Helper()
	parts := []string{`select 'metrics', to_json(r)::varchar from (
		select participant_id, local_date, n_values, round(mean_mgdl, 6), gri from daily_metrics where local_date <= '2026-04-13') r`}
	for table, of := range withdrawnTables(cut) {
		where := "participant_id <> 'P001' or " + of[0]
		if all {
			where = "true"
		}
		parts = append(parts, fmt.Sprintf("select '%s' as t, to_json(r)::varchar as row from (select * %s from %s where %s) r", table, of[1], table, where))
	}
	return b.lines(strings.Join(parts, " union all ") + " order by all")
}

// From the instant of a withdrawal on nothing of the participant is in the
// tables, in whatever way, and everything before and of others is as it was;
// nothing more is asked for, and what left is sealed, once.
func TestWithdraw(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	config := dexsim.Config{
		Seed: 4, Participants: 2, Days: 5, End: demoNow,
		Chaos: dexsim.Chaos{Kinds: dexsim.Late | dexsim.Edit | dexsim.Delete | dexsim.Revise | dexsim.Enums},
	}
	b := newBenchAt(t, config, demoNow.AddDate(0, 0, -2))
	b.must("backfill")
	b.now = demoNow
	b.must("sync")
	at := demoNow.AddDate(0, 0, -1)
	since, cut := at.Format("2006-01-02T15:04Z"), "timestamp '"+at.Format(time.DateTime)+"'"
	was := b.rowsBefore(cut, false)
	left := b.lines("select record_id from egvs where participant_id = 'P001' and system_time >= " + cut + " order by 1")

	if code, _, stderr := b.run("withdraw", "P001", "--effective", since, "--reason", "moved away"); code != exitUsage || !strings.Contains(stderr, "--yes") {
		t.Fatalf("withdraw without --yes: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
	var done struct {
		Schema string
		Ended  int `json:"connections_ended"`
		Tables map[string]struct{ Removed, Changed int }
		ToDo   string `json:"to_do"`
	}
	output := b.must("withdraw", "P001", "--effective", since, "--reason", "moved away", "--yes", "--json")
	if err := json.Unmarshal([]byte(output), &done); err != nil {
		t.Fatal(err)
	}
	if done.Schema != "dexetl.withdraw/1" || done.Ended != 1 || done.Tables["egvs"].Removed != len(left) || !strings.Contains(done.ToDo, "remove the study's app") {
		t.Errorf("withdraw says %+v, want 1 connection ended and %d egvs removed", done, len(left))
	}
	if now := b.rowsBefore(cut, true); !slices.Equal(now, was) {
		t.Errorf("tables have %d rows, want the %d from before; they differ first in\n%s", len(now), len(was), firstDifference(now, was))
	}
	if folders, err := os.ReadDir(filepath.Join(b.dir, "lake/snapshots")); err != nil || len(folders) != 1 {
		t.Errorf("folders %v, %v; want that of the newest snapshot alone", folders, err)
	}
	if got := b.unsealed("P001", "egvs"); !slices.Equal(got, left) || len(left) == 0 {
		t.Errorf("quarantine has %d egvs, want the %d that left; they differ first in\n%s", len(got), len(left), firstDifference(got, left))
	}
	for _, table := range []string{"events", "alerts", "devices"} {
		if n := len(b.unsealed("P001", table)); n != done.Tables[table].Removed+done.Tables[table].Changed || n == 0 {
			t.Errorf("quarantine has %d rows of %s, want those that left or changed: %+v", n, table, done.Tables[table])
		}
	}
	asked := 0
	for _, row := range was {
		if strings.HasPrefix(row, "requests|") && strings.Contains(row, `"participant_id":"P001"`) {
			asked++
		}
	}
	b.must("verify", "--deep")
	b.nothingMoreOf("P001", asked)
	b.anotherInstant(at, len(left))
}

// nothingMoreOf checks that a run leaves the participant out, and that naming
// one, or a new consent, is refused. So many requests have been made.
func (b *bench) nothingMoreOf(participant string, asked int) {
	b.t.Helper()
	b.now = b.now.Add(24 * time.Hour)
	if code, _, stderr := b.run("sync"); code != exitDone || !strings.Contains(stderr, "withdrawn, so left out: "+participant) {
		b.t.Errorf("sync: exit %d, want 0 and %s left out\n%s", code, participant, stderr)
	}
	if n := b.query("select count(*) from requests where participant_id = '" + participant + "'")[0][0]; n != strconv.Itoa(asked) {
		b.t.Errorf("%s requests after a sync, want the %d from before", n, asked)
	}
	if code, _, stderr := b.run("participants", "remove", participant); code != exitUsage || !strings.Contains(stderr, "participants show "+participant) {
		b.t.Errorf("participants remove: exit %d, want %d and that the withdrawal is shown\n%s", code, exitUsage, stderr)
	}
	for _, args := range [][]string{{"sync", participant}, {"backfill", participant}, {"connect", participant, "--manual"},
		{"participants", "pause", participant}, {"participants", "resume", participant},
		{"connect", "--import", b.file("again.csv", "participant_id,refresh_token\n"+participant+",other\n")}} {
		if code, _, stderr := b.run(args...); code != exitUsage || !strings.Contains(stderr, participant+" has withdrawn") {
			b.t.Errorf("%v: exit %d, want %d\n%s", args, code, exitUsage, stderr)
		}
	}
}

// lines returns the rows of a statement as text.
func (b *bench) lines(statement string) (lines []string) {
	b.t.Helper()
	for _, row := range b.query(statement) {
		lines = append(lines, strings.Join(row, "|"))
	}
	return lines
}

// unsealed opens the quarantine with the study's key and returns the record ids,
// or devices, of a table in order.
func (b *bench) unsealed(participant, table string) (ids []string) {
	b.t.Helper()
	key, err := os.ReadFile(filepath.Join(b.dir, "state/sealing.key"))
	if err != nil {
		b.t.Fatal(err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(key))
	if err != nil {
		b.t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "state/quarantine", participant, table+".*.parquet.age"))
	if err != nil || len(files) > 1 {
		b.t.Fatalf("quarantined files of %s: %q, %v; want one at most", table, files, err)
	}
	if len(files) == 0 {
		return nil
	}
	sealed, err := os.Open(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	defer sealed.Close()
	if info, err := sealed.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		b.t.Errorf("%s has mode %v, %v; want 0600", files[0], info.Mode(), err)
	}
	plain, err := age.Decrypt(sealed, identities...)
	if err != nil {
		b.t.Fatal(err)
	}
	content, err := io.ReadAll(plain)
	if err != nil {
		b.t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	column := map[string]string{"devices": "display_device"}[table]
	if column == "" {
		column = "record_id"
	}
	rows, err := db.Query(fmt.Sprintf("select %s from read_parquet('%s') order by 1", column, b.file(table+".parquet", string(content))))
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// anotherInstant states a later one, which must be meant.
func (b *bench) anotherInstant(at time.Time, sealed int) {
	b.t.Helper()
	later := at.Add(6 * time.Hour)
	command := []string{"withdraw", "P001", "--effective", later.Format("2006-01-02T15:04Z"), "--reason", "wrong date", "--yes"}
	if code, _, stderr := b.run(command...); code != exitUsage || !strings.Contains(stderr, "--bring-back") {
		b.t.Errorf("a later instant: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
	b.must(append(command, "--bring-back")...)
	if got := b.query("select max(system_time) from egvs where participant_id = 'P001'")[0][0]; got < at.Format(time.DateTime) || got >= later.Format(time.DateTime) {
		b.t.Errorf("brought back up to %s, want just before %s", got, later)
	}
	if n := len(b.unsealed("P001", "egvs")); n >= sealed || n == 0 {
		b.t.Errorf("quarantine has %d egvs, want fewer than the %d before", n, sealed)
	}
}

// Wherever a withdrawal stopped after it was recorded, whoever loads next
// completes it: here a backfill that is under way and asks nothing more from
// that instant on. To repeat the command changes nothing more.
func TestWithdrawIsCompleted(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 2})
	at := demoNow.AddDate(0, 0, -1)
	b.env["DEXETL_LIMITS_CONCURRENCY"] = "1"
	late := b.withdrawAtFirstReadings(cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: at, Reason: "stopped here", Who: "me"})
	if code, _, stderr := b.run("backfill"); code != exitDone || !strings.Contains(stderr, "P001: has withdrawn meanwhile") {
		t.Errorf("backfill: exit %d, want 0 and that P001 has withdrawn\n%s", code, stderr)
	}
	if n := late.Load(); n != 0 {
		t.Errorf("%d requests came after the withdrawal", n)
	}
	newest := b.query("select max(system_time) from egvs")[0][0]
	if newest == "" || newest >= at.Format(time.DateTime) {
		t.Errorf("the newest egv is of %q, want one before %s", newest, at)
	}
	ids := b.unsealed("P001", "egvs")
	if out := b.must("withdraw", "P001", "--reason", "again", "--yes"); !strings.Contains(out, "no row to take out") {
		t.Errorf("withdraw again says\n%s", out)
	}
	if again := b.unsealed("P001", "egvs"); len(ids) == 0 || !slices.Equal(again, ids) {
		t.Errorf("quarantine has %d egvs, had %d: want the same, and some", len(again), len(ids))
	}
}

// withdrawAtFirstReadings records w, as another process would, when the first
// window of egvs is asked for, and counts the requests after that.
func (b *bench) withdrawAtFirstReadings(w cohort.Withdrawal) *atomic.Int64 {
	b.t.Helper()
	consents := b.consents()
	b.t.Cleanup(func() { consents.Store.Close() })
	target, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	var withdrawn atomic.Bool
	var late atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if withdrawn.Load() {
			late.Add(1)
		} else if strings.HasSuffix(r.URL.Path, "/egvs") {
			withdrawn.Store(true)
			if _, err := consents.Withdraw(context.Background(), w); err != nil {
				b.t.Error(err)
			}
		}
		proxy.ServeHTTP(rw, r)
	}))
	b.t.Cleanup(between.Close)
	b.env["DEXETL_API_BASE_URL"] = between.URL
	return &late
}
