package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
)

// A shelf is a yearbook whose every hour becomes a snapshot, and which collects after
// each as sync does.
type shelf struct {
	*yearbook
	runs  []load.Run
	freed lake.Freed
}

// hour syncs, commits and collects.
func (s *shelf) hour(by retain.Policy) {
	s.t.Helper()
	began := s.now
	s.sync()
	id, calls := fmt.Sprintf("01K%023d", len(s.runs)), int64(12)
	s.runs = append(s.runs, load.Run{ID: id, Command: "sync", Version: "1.0.0", StartedAt: began, Ended: began.Add(time.Minute), ExitCode: new(int32), Calls: &calls, Answers: &calls})
	_, err := s.fold.Load(s.t.Context(), load.Study{Runs: s.runs}, id)
	check(s.t, err)
	s.collect(by)
}

// collect removes what nothing keeps. Every snapshot was published.
func (s *shelf) collect(by retain.Policy) {
	s.t.Helper()
	l := s.fold.Lake
	l.Now = s.fold.Now
	ids, err := l.IDs()
	check(s.t, err)
	var all []retain.Snapshot
	for _, id := range ids {
		m, err := l.ManifestOf(id)
		check(s.t, err)
		all = append(all, retain.Snapshot{ID: id, CreatedAt: m.CreatedAt, Folder: true})
	}
	kept := by.Keep(all, retain.Need{}, s.now)
	freed, err := l.Remove(slices.DeleteFunc(ids, func(id lake.ID) bool { return kept[id] != "" }), lake.GoneCollected, nil)
	check(s.t, err)
	s.freed.Snapshots = append(s.freed.Snapshots, freed.Snapshots...)
	s.freed.Files, s.freed.Bytes = s.freed.Files+freed.Files, s.freed.Bytes+freed.Bytes
}

// weigh is how many bytes lie in lake/data, by table, and how many of them are the newest
// snapshot's.
func (s *shelf) weigh() (all, newest map[string]int64) {
	s.t.Helper()
	all, newest = map[string]int64{}, map[string]int64{}
	data := filepath.Join(s.fold.Lake.Path(), "data")
	check(s.t, filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		table, _, _ := strings.Cut(strings.TrimPrefix(path, data+"/"), "/")
		all[table] += info.Size()
		return err
	}))
	m, err := s.fold.Lake.Current()
	check(s.t, err)
	for _, f := range m.Files {
		newest[f.Table] += f.Bytes
	}
	return all, newest
}

// ratioOf tells what lies there, the tables that weigh most first, and returns how many times
// the newest snapshot that is.
func (s *shelf) ratioOf(what string) float64 {
	s.t.Helper()
	all, newest := s.weigh()
	var sum, of int64
	tables := make([]string, 0, len(all))
	for table, n := range all {
		sum, of, tables = sum+n, of+newest[table], append(tables, table)
	}
	slices.SortFunc(tables, func(a, b string) int { return int(all[b] - newest[b] - all[a] + newest[a]) })
	text := ""
	for _, table := range tables[:min(len(tables), 6)] {
		text += fmt.Sprintf("; %s %.2f of %.2f", table, float64(all[table])/1e6, float64(newest[table])/1e6)
	}
	manifests, err := s.fold.Lake.Manifests()
	check(s.t, err)
	s.t.Logf("%s: %d snapshots of %d, %.2f MB, the newest %.2f MB: %.3f times%s; freed %.1f MB in %d files",
		what, len(manifests), len(s.runs), float64(sum)/1e6, float64(of)/1e6, float64(sum)/float64(of), text, float64(s.freed.Bytes)/1e6, s.freed.Files)
	return float64(sum) / float64(of)
}

// hourly is how many days at the end of a year are synced every hour. What was committed
// before these is collected by then, but for what the newest snapshot has, so once in five
// days does for the others.
const hourly = 34

// What hourly syncs leave in lake/data, by the defaults and with --keep-last 1. In a study of
// a few days the snapshots of the last days are most of it; DEXETL_YEAR=20x365 has a year of
// 20 people.
func TestYearOfSnapshots(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	people, days := 2, 3
	if size := os.Getenv("DEXETL_YEAR"); size != "" {
		if _, err := fmt.Sscanf(size, "%dx%d", &people, &days); err != nil {
			t.Fatalf("DEXETL_YEAR=%s: want people x days, such as 20x365", size)
		}
	}
	s := &shelf{yearbook: newYearbook(t, t.TempDir(), people, days+3)}
	defaults := retain.Policy{Last: 48, Daily: 30}
	began := time.Now()
	for day := 1; day <= days; day++ {
		if days-day >= hourly {
			if s.now = s.start.AddDate(0, 0, day); day%5 == 0 {
				s.hour(defaults)
			}
			continue
		}
		for s.hours() < day*24 {
			s.hour(defaults)
		}
		if day%10 == 0 || day == days {
			s.ratioOf(fmt.Sprintf("%d people, day %d, after %.0f s", people, day, time.Since(began).Seconds()))
		}
	}
	year := days >= 365
	if ratio := s.ratioOf("defaults"); year && ratio > 4 { // docs/snapshots.md says what of
		t.Errorf("by the defaults %.3f times the newest snapshot, want at most 4", ratio)
	}
	s.collect(retain.Policy{Last: 1})
	s.ratioOf("--keep-last 1")
	s.now = s.now.Add(lake.FolderFor)
	s.collect(retain.Policy{Last: 1})
	if ratio := s.ratioOf("--keep-last 1, a day later"); year && ratio > 1.05 {
		t.Errorf("with the newest alone %.3f times the newest snapshot, want at most 1.05", ratio)
	}
	if left, err := s.fold.Lake.Manifests(); err != nil || len(left) != 2 {
		t.Errorf("snapshots %v are left, %v; want the newest and the one before", left, err)
	}
	idle, err := s.fold.Lake.Freed(nil)
	if err != nil || idle.Files > 0 {
		t.Errorf("%d files of nobody, %v", idle.Files, err)
	}
	m, err := s.fold.Lake.Current()
	check(t, err)
	for _, f := range m.Files {
		check(t, s.fold.Lake.Check(f))
	}
}
