package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// harms are what can befall a data file, and the links to it in the folders of snapshots.
func harms() map[string]func(path string) error {
	change := func(path string, to func([]byte) []byte) error {
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.Chmod(path, 0o600)
		}
		if err == nil {
			err = os.WriteFile(path, to(content), 0o600)
		}
		return err
	}
	cut := func(path string) error { return change(path, func(b []byte) []byte { return b[:len(b)/3] }) }
	return map[string]func(path string) error{
		"gone":   func(path string) error { return errors.Join(cut(path), os.Remove(path)) },
		"cut":    cut,
		"rows":   func(path string) error { return change(path, func(b []byte) []byte { b[len(b)/5] ^= 8; return b }) },
		"footer": func(path string) error { return change(path, func(b []byte) []byte { b[len(b)-7] ^= 1; return b }) },
	}
}

// A saved study can be gone back to: it is made once, for several tests, one after the
// other. What they refresh, the API has to let them refresh again.
type saved struct {
	*bench
	copy string
	then time.Time
	with map[string]string // environment
}

func (b *bench) save() saved {
	b.t.Helper()
	s := saved{b, filepath.Join(b.t.TempDir(), "saved"), b.now, maps.Clone(b.env)}
	b.copyFolder(b.dir, s.copy)
	return s
}

func (s saved) back(t *testing.T) {
	t.Helper()
	s.t, s.now, s.env = t, s.then, maps.Clone(s.with)
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	s.copyFolder(s.copy, s.dir)
}

func (b *bench) copyFolder(from, to string) {
	b.t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		b.t.Fatalf("cp: %v: %s", err, out)
	}
}

// harmTable harms the newest file of a table and returns its path in the lake.
func (b *bench) harmTable(table, how string) string {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	files := m.TableFiles(table)
	if len(files) == 0 {
		b.t.Fatalf("no file of %s", table)
	}
	slices.SortFunc(files, func(x, y lake.File) int { return x.LastTime.Compare(y.LastTime) })
	path := files[len(files)-1].Path
	if err := harms()[how](filepath.Join(b.dir, "lake", path)); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// ends runs a command and checks its exit code, and that damage is named with the way
// out.
func (b *bench) ends(path string, codes []int, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	code, stdout, stderr = b.run(args...)
	if !slices.Contains(codes, code) {
		b.t.Errorf("dexetl %s with %s damaged: exit %d, want one of %v\n%s%s", strings.Join(args, " "), path, code, codes, stdout, stderr)
	}
	stderr = stdout + stderr
	if code == exitDamage && (!strings.Contains(stderr, path) || !strings.Contains(stderr, "dexetl repair")) {
		b.t.Errorf("dexetl %s: exit %d without %s and `dexetl repair`:\n%s", strings.Join(args, " "), code, path, stderr)
	}
	return code, stdout, stderr
}

// contentOf are the hashes of what tables say that say nothing of how it was learned.
func (b *bench) contentOf() map[string]string {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	out := make(map[string]string)
	for _, table := range []string{"glucose", "egvs", "events", "event_notes", "calibrations", "alerts", "devices", "alert_settings", "glucose_days", "coverage_days",
		"participants", "windows", "withdrawals"} {
		out[table] = fmt.Sprintf("%d rows, %s", m.Rows(table), hashOfTable(b.t, l, m, table))
	}
	return out
}

// lifetime is what a study does after the damage. Every command may end with one of
// the codes ok.
func (b *bench) lifetime(path string, ok []int) {
	b.t.Helper()
	roster := b.file("moved.csv", "participant_id,timezone,cohort\nP001,Asia/Kolkata,moved\nP004,Europe/Rome,new\n")
	windows := b.file("windows.csv", "participant_id,window,start_day,end_day\n*,first,1,2\n")
	b.now = b.now.Add(26 * time.Hour)
	_, out, _ := b.ends(path, ok, "sync", "--json")
	var run struct {
		Counts   struct{ Calls int }
		Snapshot int64
	}
	if err := json.Unmarshal([]byte(out), &run); err != nil {
		b.t.Fatalf("sync --json: %v\n%s", err, out)
	}
	if l, m := b.newest(); true {
		if run.Snapshot != m.Snapshot || m.Snapshot < 3 || b.api.Stats().Calls == 0 {
			b.t.Errorf("sync made snapshot %d, the newest is %d, want one more than before", run.Snapshot, m.Snapshot)
		}
		if link, err := os.Readlink(filepath.Join(b.dir, "lake/latest")); err != nil || !strings.HasSuffix(link, strconv.FormatInt(m.Snapshot, 10)) {
			b.t.Errorf("latest = %s, %v; want snapshot %d", link, err, m.Snapshot)
		}
		l.Close()
	}
	b.ends(path, ok, "participants", "import", roster)
	b.ends(path, ok, "windows", "import", windows)
	b.ends(path, ok, "--yes", "withdraw", "P002", "--effective", demoNow.AddDate(0, 0, -2).Format(time.RFC3339), "--reason", "test")
	b.ends(path, append([]int{exitConsent}, ok...), "backfill")
}

// stateTables are those of which the state knows everything.
var stateTables = []string{"participants", "windows", "withdrawals", "settings", "connections", "runs"}

// Whatever befalls a file of whatever table: commands that read it say so, the others
// work, fetching and folding go on, and after a replay all is as if nothing had
// happened.
func TestDamageTableByTable(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{
		Seed: 23, Participants: 3, Days: 5, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.1},
	}, demoNow.AddDate(0, 0, -2))
	b.must("windows", "import", b.file("before.csv", "participant_id,window,start_day,end_day\nP001,old,1,2\n"))
	b.must("backfill")
	b.must("--yes", "withdraw", "P003", "--effective", demoNow.AddDate(0, 0, -3).Format(time.RFC3339), "--reason", "test")
	s := b.save()
	b.lifetime("(nothing)", []int{exitDone})
	b.must("replay")
	want := b.contentOf()

	// Of each sort one: readings, what was asked, and what the state knows. Every table and
	// every harm has TestDamagedTables of package load.
	for _, harmed := range []struct{ table, kind string }{{"glucose", "footer"}, {"coverage", "gone"}, {"participants", "cut"}} {
		table, kind := harmed.table, harmed.kind
		t.Run(table+" "+kind, func(t *testing.T) {
			s.back(t)
			path := b.harmTable(table, kind)
			b.must("query", "select count(*) from egvs")
			b.must("snapshots", "list")
			b.must("runs")
			b.ends(path, []int{exitDamage}, "query", "select count(*), max(hash(x)) from "+table+" x")
			metrics := []int{exitDone}
			if slices.Contains([]string{"glucose", "participants", "coverage", "settings"}, table) {
				metrics = append(metrics, exitDamage)
			}
			b.ends(path, metrics, "metrics")
			if kind != "footer" { // its size is right
				b.ends(path, []int{exitDamage}, "doctor")
			}
			if _, out, _ := b.ends(path, []int{exitDone, exitDamage}, "status"); !strings.Contains(out, "P001") {
				t.Errorf("status says nothing of P001:\n%s", out)
			}
			if _, out, _ := b.ends(path, []int{exitDone, exitDamage}, "participants", "show", "P001"); !strings.Contains(out, "\naccounts\n") {
				t.Errorf("participants show says nothing of accounts:\n%s", out)
			}
			codes := []int{exitDamage}
			if slices.Contains(stateTables, table) || kind == "footer" {
				codes = append(codes, exitDone) // written anew, or not looked at
			}
			b.lifetime(path, codes)
			if rows := b.withdrawnRows(); rows != "" {
				t.Errorf("rows of those who have withdrawn: %s", rows)
			}
			b.must("replay")
			if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("after the replay:\n got  %v\n want %v", got, want)
			}
			b.must("query", "select count(*), max(hash(x)) from egvs x")
			b.ends(path, []int{exitConsent}, "sync") // of the newcomer
		})
	}
}

// withdrawnRows are rows that no table may show any more, of tables that can be read.
func (b *bench) withdrawnRows() string {
	b.t.Helper()
	for _, table := range []string{"glucose", "egvs", "events"} {
		column := "system_time"
		if table == "glucose" {
			column = "time_utc"
		}
		code, out, stderr := b.run("query", "--csv", fmt.Sprintf(
			"select count(*) from %s where participant_id = 'P003' and %s >= '%s' or participant_id = 'P002' and %s >= '%s'", table,
			column, demoNow.AddDate(0, 0, -3).Format(time.DateTime), column, demoNow.AddDate(0, 0, -2).Format(time.DateTime)))
		if code == exitDamage {
			continue
		}
		if count := strings.Fields(out); code != exitDone || count[len(count)-1] != "0" {
			return table + ": " + out + stderr
		}
	}
	return ""
}

// One file that only a backup has is what the advice names: the whole folder would bring back
// an older state.db.
func TestBackupAdviceNamesTheFile(t *testing.T) {
	for want, d := range map[string]study.Damage{
		"restore the state folder":                       {Kind: study.StateDamage, Path: "state.db", Err: fs.ErrNotExist},
		"restore state/receipts/erased-P001-1.json from": {Kind: study.StateDamage, Path: "receipts/erased-P001-1.json", Err: fs.ErrNotExist},
		"restore state/export-keys.json from":            {Kind: study.StateDamage, Path: study.ExportKeyFile, Err: errors.New("checksum does not match")},
		"restore state/audit.jsonl from":                 {Kind: study.StateDamage, Path: state.AuditFile, Err: &state.AuditError{}},
		"restore state/quarantine/P002/events.age from":  {Kind: study.StateDamage, Path: "quarantine/P002/events.age", Err: fs.ErrNotExist},
		"restore lake/tags/paper-1.json from":            {Kind: study.ManifestDamage, Path: "tags/paper-1.json", Err: fs.ErrNotExist},
		"restore lake/raw from":                          {Kind: study.LogDamage, Path: "raw/000001", Err: fs.ErrNotExist},
	} {
		if got := backupAdvice(d); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", d.Path, got, want)
		}
	}
}
