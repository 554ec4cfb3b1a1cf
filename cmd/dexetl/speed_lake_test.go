package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A landed says what lies in a lake, and what its commits wrote to get there: files
// that a commit has and the one before it had not.
type landed struct {
	Commits int              `json:"commits"`
	Rows    map[string]int64 `json:"rows"`          // live, by table
	Bytes   map[string]int64 `json:"bytes"`         // live, by table
	Wrote   map[string]int64 `json:"rows_written"`  // by all commits
	Traffic map[string]int64 `json:"bytes_written"` // by all commits
	Files   map[string]int   `json:"files"`         // of the month that has most, by table
}

// A committed is what landedIn reads of a manifest.
type committed struct {
	Files []struct {
		Table, Partition, Path string
		Bytes, Rows            int64
	}
}

// landedIn reads the manifests of a study's lake, which are read as any other program
// would read them.
func landedIn(t *testing.T, study string) landed {
	t.Helper()
	l := landed{
		Rows: make(map[string]int64), Bytes: make(map[string]int64),
		Wrote: make(map[string]int64), Traffic: make(map[string]int64), Files: make(map[string]int),
	}
	paths, err := filepath.Glob(filepath.Join(study, "lake", "manifests", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no manifest", err)
	}
	slices.Sort(paths)
	before := make(map[string]bool)
	var newest committed
	for _, path := range paths {
		text, err := os.ReadFile(path)
		newest = committed{}
		if err == nil {
			err = json.Unmarshal(text, &newest)
		}
		if err != nil {
			t.Fatal(path, err)
		}
		now := make(map[string]bool)
		for _, f := range newest.Files {
			if now[f.Path] = true; !before[f.Path] {
				l.Wrote[f.Table] += f.Rows
				l.Traffic[f.Table] += f.Bytes
			}
		}
		before, l.Commits = now, l.Commits+1
	}
	l.live(newest)
	return l
}

func (l *landed) live(m committed) {
	months := make(map[[2]string]int)
	for _, f := range m.Files {
		l.Rows[f.Table] += f.Rows
		l.Bytes[f.Table] += f.Bytes
		month := [2]string{f.Table, f.Partition}
		months[month]++
		l.Files[f.Table] = max(l.Files[f.Table], months[month])
	}
}

// since is what has come since before.
func (l landed) since(before landed) landed {
	less := func(now, then map[string]int64) map[string]int64 {
		more := make(map[string]int64)
		for table := range now {
			more[table] = now[table] - then[table]
		}
		return more
	}
	return landed{
		Commits: l.Commits - before.Commits, Files: l.Files, Rows: less(l.Rows, before.Rows), Bytes: less(l.Bytes, before.Bytes),
		Wrote: less(l.Wrote, before.Wrote), Traffic: less(l.Traffic, before.Traffic),
	}
}

// perRow is bytes a row.
func (l *landed) perRow(table string) float64 { return ratio(l.Bytes[table], l.Rows[table]) }

// amplified is how many times what lives of the large tables was written: rows, bytes.
func (l *landed) amplified() (rows, bytes float64) {
	return ratio(l.Wrote["egvs"]+l.Wrote["glucose"], l.Rows["egvs"]+l.Rows["glucose"]),
		ratio(l.Traffic["egvs"]+l.Traffic["glucose"], l.Bytes["egvs"]+l.Bytes["glucose"])
}

func ratio(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
