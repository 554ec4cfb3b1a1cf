//go:build faults

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// One study is killed run after run, at points all the way from an answer
// to the newest snapshot, first with nothing to fall back on and then with a
// lake that half of the data are in. After each death readers see the lake of
// before or the one of after; in the end it is that of a run that nobody
// disturbed, nothing was asked for that the log held, and nothing is left over.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	end := time.Now().AddDate(0, 0, -10) // so that every run finds the same data
	config := dexsim.Config{Seed: 11, Participants: 2, Days: 3, End: end, Reusable: true}
	half := []string{"backfill", "--to", end.AddDate(0, 0, -2).UTC().Format(time.DateOnly)}
	undisturbed := newBenchAt(t, config, time.Now())
	undisturbed.must("backfill")
	undisturbed.compareWithTruth()
	want := undisturbed.contents()

	b := newBenchAt(t, config, time.Now())
	for _, point := range []string{
		"fetch.answered:2", "raw.writing", "load.manifest_written", "load.manifest_linked",
		"snapshot.linked", "snapshot.latest_staged",
	} {
		b.die(point, half...)
	}
	b.now = time.Now()
	b.must(half...)
	before := b.contents()
	if len(before) == 0 || len(before) == len(want) {
		t.Fatalf("%d of %d rows by half", len(before), len(want))
	}
	for _, point := range []string{
		"fetch.answered:2", "raw.written:2", "raw.synced", "fetch.kept", "load.file_written:3", "load.file_synced:2",
		"load.files_renamed", "load.manifest_written", "load.manifest_linked",
		"snapshot.table_linked:3", "snapshot.linked", "snapshot.folder_renamed", "snapshot.database_built",
		"snapshot.latest_staged", "snapshot.latest_renamed",
	} {
		b.die(point, "backfill")
		if seen := b.contents(); !slices.Equal(seen, before) && !slices.Equal(seen, want) {
			t.Errorf("killed at %s: readers see %d rows, neither the %d before nor the %d after", point, len(seen), len(before), len(want))
		}
	}
	b.now = time.Now()
	b.must("backfill")
	if got := b.contents(); !slices.Equal(got, want) {
		t.Errorf("%d rows in the end, want %d; first difference\n%s", len(got), len(want), firstDifference(got, want))
	}
	b.askedOnce()
	b.tidy()
}

// A run that is killed while it loads has not ended, whatever it was about to
// say: not for dexetl runs, and not in the lake of any run after it.
func TestKilledRunHasNotEnded(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 11, Participants: 1, Days: 1, Reusable: true}, time.Now())
	const ends = "select command, ended_at is null, exit_code is null and calls is null and answers is null from runs where command <> 'connect' order by started_at"
	b.die("load.manifest_written", "backfill")
	b.now = time.Now()
	b.must("backfill")
	want := [][]string{{"backfill", "true", "true"}, {"backfill", "false", "false"}}
	if got := b.query(ends); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("runs in the lake: %v, want %v", got, want)
	}
	b.die("load.manifest_linked", "sync")
	if got := b.query(ends + " limit 2"); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("runs in the lake after the next one was killed: %v, want %v", got, want)
	}
	var runs struct {
		Rows []struct {
			Command, State string
			Calls, Answers *int64
		}
	}
	if out := b.must("runs", "--json"); json.Unmarshal([]byte(out), &runs) != nil || len(runs.Rows) < 3 ||
		runs.Rows[0].State != "died" || runs.Rows[1].State != "ended" || runs.Rows[2].State != "died" {
		t.Errorf("dexetl runs --json: %s; want sync died, backfill ended, backfill died", out)
	} else if died := runs.Rows[2]; died.Calls != nil || died.Answers == nil || *died.Answers == 0 || runs.Rows[1].Calls == nil {
		t.Errorf("dexetl runs --json: %s; want of the backfill that died its answers, which came to the lake, and no count of calls", out)
	}
}

// die runs a command in a process of its own, which has to die at a point.
func (b *bench) die(point string, command ...string) {
	b.t.Helper()
	var stderr bytes.Buffer
	c := exec.Command("dexetl", append([]string{"--study", b.dir}, command...)...)
	c.Env = append(os.Environ(), "DEXETL_FAULT="+point)
	c.Stderr = &stderr
	err := c.Run()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		b.t.Fatalf("%v was to die at %s: %v\n%s", command, point, err, &stderr)
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		b.t.Fatalf("%v was to die at %s: %v\n%s", command, point, err, &stderr)
	}
}

// contents are the present rows of the lake, but for what depends on when and
// through which connection they were fetched.
func (b *bench) contents() []string {
	b.t.Helper()
	statement := "select 'glucose', r::varchar from glucose r"
	for _, table := range []string{"egvs", "events", "calibrations", "alerts"} {
		statement += " union all select '" + table + `', r::varchar from (
			select * exclude (connection_id, request_id, first_seen_at, vanished_at) from ` + table + " where vanished_at is null) r"
	}
	var rows []string
	for _, row := range b.query(statement + " order by all") {
		rows = append(rows, strings.Join(row, " "))
	}
	return rows
}

// askedOnce checks that nothing was asked for that the log held.
func (b *bench) askedOnce() {
	b.t.Helper()
	twice := b.query(`from requests select participant_id, resource, window_start, count(*)
		where resource not in ('dataRange', 'devices') group by all having count(*) > 1`)
	if len(twice) > 0 {
		b.t.Errorf("asked again although the answer was held: %v", twice)
	}
}

// tidy checks that the lake's folder holds no file that no manifest names and
// nothing half made.
func (b *bench) tidy() {
	b.t.Helper()
	tidyLake(b.t, filepath.Join(b.dir, "lake"))
}

func tidyLake(t testing.TB, lake string) {
	t.Helper()
	known := make(map[string]bool)
	manifests, err := filepath.Glob(filepath.Join(lake, "manifests", "*.json"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("%d manifests, %v", len(manifests), err)
	}
	for _, name := range manifests {
		var m struct{ Files []struct{ Path string } }
		text, err := os.ReadFile(name)
		if err = errors.Join(err, json.Unmarshal(text, &m)); err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Files {
			known[filepath.Join(lake, f.Path)] = true
		}
	}
	err = filepath.WalkDir(lake, func(path string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && !slices.Contains([]string{".staging", ".spill", ".hashes", ".daily_metrics"}, entry.Name()) ||
			strings.HasPrefix(entry.Name(), "session-") // in .spill
		orphan := strings.HasPrefix(path, filepath.Join(lake, "data")) && !entry.IsDir() && !known[path]
		if hidden || orphan {
			t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
