//go:build faults

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/fault/disk"
)

// A diskStudy is a study in a state from which the same run is done again and again, on
// disks that fail and by processes that are killed.
type diskStudy struct {
	*bench
	base string // its folder, as each run finds it
	want string // what its lake says after the run, see says
}

// diskStudies are a study of which nothing has been fetched, and one that is two days old
// and synced. Disturbed runs of either end where undisturbed ones do.
func diskStudies(t *testing.T) (empty, older *diskStudy) {
	t.Helper()
	config := dexsim.Config{Seed: 11, Participants: 2, Days: 4, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData}}
	empty = &diskStudy{bench: newBenchAt(t, config, demoNow.AddDate(0, 0, -2))}
	older = &diskStudy{bench: newBenchAt(t, config, demoNow.AddDate(0, 0, -2))}
	if r := older.sync(older.dir, nil); r.code != exitDone {
		t.Fatal(r)
	}
	older.now = demoNow
	for _, s := range []*diskStudy{empty, older} {
		s.base = s.dir
		now := s.now
		s.clock.Store(&now)
		dir := s.copy(t)
		if r := s.sync(dir, nil); r.code != exitDone {
			t.Fatal(r)
		}
		s.want = says(t, dir)
	}
	return empty, older
}

// copy makes a study of its own that is as this one.
func (s *diskStudy) copy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "study")
	if out, err := exec.Command("cp", "-a", s.base, dir).CombinedOutput(); err != nil {
		t.Errorf("%v %s", err, out)
	}
	return dir
}

// A diskRun says how a run ended.
type diskRun struct {
	dir    string
	calls  []disk.Call // as far as they were not let pass unasked
	code   int         // -1: killed
	stderr string
}

func (r diskRun) String() string {
	last := "no call"
	if len(r.calls) > 0 {
		last = r.calls[len(r.calls)-1].String()
	}
	return fmt.Sprintf("exit %d after %s\n%s", r.code, last, r.stderr)
}

// sync syncs the study in dir on a disk that answers so; nil: one that works.
func (s *diskStudy) sync(dir string, answer func(disk.Call) disk.Answer) diskRun {
	return s.syncUntil(dir, diskPatience, syscall.SIGQUIT, answer)
}

// diskPatience is how long a run may take: one that hangs says where.
const diskPatience = 2 * time.Minute

// syncUntil is sync with a signal after some time.
func (s *diskStudy) syncUntil(dir string, after time.Duration, signal syscall.Signal, answer func(disk.Call) disk.Answer) diskRun {
	c, d, r := s.process(dir, answer)
	var stderr strings.Builder
	c.Stderr = &stderr
	if err := d.Start(c); err != nil {
		s.t.Error(err)
		return *r
	}
	timer := time.AfterFunc(after, func() { c.Process.Signal(signal) })
	defer timer.Stop()
	r.ended(s.t, d.Wait())
	r.stderr = stderr.String()
	return *r
}

// process makes the process that syncs the study in dir. Its clock is the study's.
func (s *diskStudy) process(dir string, answer func(disk.Call) disk.Answer) (*exec.Cmd, *disk.Disk, *diskRun) {
	r := &diskRun{dir: dir}
	c := exec.Command("dexetl", "--study", dir, "sync")
	c.Env = append(c.Environ(), lagVariable+"="+time.Since(s.now).String())
	d := &disk.Disk{Folder: dir, Answer: func(call disk.Call) disk.Answer {
		r.calls = append(r.calls, call)
		if answer == nil {
			return disk.Answer{}
		}
		return answer(call)
	}}
	return c, d, r
}

func (r *diskRun) ended(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err == nil {
		return
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Errorf("%v", err)
		return
	}
	r.code = failed.ExitCode()
	if status := failed.Sys().(syscall.WaitStatus); status.Signaled() && status.Signal() != syscall.SIGKILL {
		t.Errorf("ended by %v\n%s", status.Signal(), r.stderr)
	}
}

// says is what the lake says of the present rows, but for what depends on when and
// through which connection they were fetched.
func says(t *testing.T, dir string) string {
	t.Helper()
	parts := []string{"select 'glucose', count(*), sum(hash(r)::hugeint)::varchar from glucose r"}
	for _, table := range []string{"egvs", "events", "calibrations", "alerts"} {
		parts = append(parts, fmt.Sprintf(`select '%s', count(*), sum(hash(r)::hugeint)::varchar from (
			select * exclude (connection_id, request_id, first_seen_at, vanished_at) from %[1]s where vanished_at is null) r`, table))
	}
	text, err := readDuckDB(filepath.Join(dir, "lake", "latest", "dexetl.duckdb"), strings.Join(parts, " union all ")+" order by all")
	if err != nil {
		t.Error(err)
	}
	return text
}

// readDuckDB runs a query in a database of a snapshot, and returns its rows as lines.
func readDuckDB(path, query string) (text string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	db, err := sql.Open("duckdb", real+"?access_mode=read_only&threads=1")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Query(query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var table, n, sum sql.NullString
		if err := rows.Scan(&table, &n, &sum); err != nil {
			return "", err
		}
		text += fmt.Sprintln(table.String, n.String, sum.String)
	}
	return text, rows.Err()
}
