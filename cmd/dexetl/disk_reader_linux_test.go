//go:build faults

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/extract/fault/disk"
	"github.com/dexetl/dexetl/transform"
)

// A lakeReader reads what latest shows, as anybody may with tools of their own, and holds
// it against the manifest.
type lakeReader struct {
	lake   string
	newest int64  // snapshot shown
	last   string // manifest: what is committed stays
	looks  int
	opened int // of them into DuckDB
}

// before looks in front of a call that changes what has a name, unless the call is among
// files that have none yet.
func (r *lakeReader) before(t *testing.T, c disk.Call) {
	switch c.Op {
	case "rename", "link", "symlink", "remove":
		if strings.HasPrefix(c.Path, r.lake) && !strings.Contains(c.Path, "/.staging/") {
			r.must(t)
		}
	}
}

// must looks, and sees what it has to.
func (r *lakeReader) must(t *testing.T) {
	t.Helper()
	if err := r.look(); err != nil {
		t.Errorf("a reader: %v", err)
	}
}

// look looks once: at all files, and into the database if it is new or has not been
// looked into for long.
func (r *lakeReader) look() error {
	r.looks++
	if err := r.committed(); err != nil {
		return err
	}
	target, err := os.Readlink(filepath.Join(r.lake, "latest"))
	if errors.Is(err, fs.ErrNotExist) && r.newest == 0 {
		return nil // nothing was ever published
	}
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(filepath.Base(target), 10, 64)
	if err != nil || n < r.newest {
		return fmt.Errorf("latest is %s, and was %d: %v", target, r.newest, err)
	}
	inside := n > r.newest || r.looks%50 == 0
	r.newest = n
	rows, err := r.manifest(n)
	if err != nil {
		return err
	}
	folder := filepath.Join(r.lake, target)
	counts, err := countFiles(folder)
	if err != nil {
		return err
	}
	for _, t := range transform.Tables() {
		if got, want := counts[t.Name], rows[t.Name]; got != want && !t.Hidden {
			return fmt.Errorf("%s of snapshot %d: files with %d rows, the manifest says %d", t.Name, n, got, want)
		}
	}
	if len(counts) < 15 {
		return fmt.Errorf("snapshot %d has %d tables", n, len(counts))
	}
	if !inside {
		return nil
	}
	r.opened++
	return compareDuckDB(filepath.Join(folder, "dexetl.duckdb"), counts)
}

// committed looks for the last manifest, which is never before the last one seen.
func (r *lakeReader) committed() error {
	names, err := filepath.Glob(filepath.Join(r.lake, "manifests", "[0-9]*.json"))
	if err != nil || len(names) == 0 && r.last == "" {
		return err
	}
	if len(names) == 0 || names[len(names)-1] < r.last {
		return fmt.Errorf("manifest %s is gone", r.last)
	}
	r.last = names[len(names)-1]
	return nil
}

// manifest returns the rows of each table of a snapshot.
func (r *lakeReader) manifest(n int64) (map[string]int64, error) {
	text, err := os.ReadFile(filepath.Join(r.lake, "manifests", fmt.Sprintf("%012d.json", n)))
	if err != nil {
		return nil, err
	}
	var m struct {
		Files []struct {
			Table string
			Rows  int64
		}
	}
	rows := make(map[string]int64)
	err = json.Unmarshal(text, &m)
	for _, f := range m.Files {
		rows[f.Table] += f.Rows
	}
	return rows, err
}

// countFiles counts the rows in the files of each table of a snapshot.
func countFiles(folder string) (map[string]int64, error) {
	rows := make(map[string]int64)
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(path, ".parquet") || strings.HasPrefix(e.Name(), ".") {
			return nil
		}
		f, err := file.OpenParquetFile(path, false)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		defer f.Close()
		table, _, _ := strings.Cut(strings.TrimPrefix(path, folder+"/"), "/")
		rows[table] += f.NumRows()
		return nil
	})
	return rows, err
}

// compareDuckDB holds what a database counts against what its files hold.
func compareDuckDB(path string, want map[string]int64) error {
	var queries []string
	for table := range want {
		queries = append(queries, fmt.Sprintf(`select '%s', count(*), null from "%[1]s"`, table))
	}
	text, err := readDuckDB(path, strings.Join(queries, " union all "))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for line := range strings.Lines(text) {
		var table string
		var n int64
		if _, err := fmt.Sscan(line, &table, &n); err != nil || n != want[table] {
			return fmt.Errorf("%s: %s has %d rows, its files %d", path, table, n, want[table])
		}
	}
	return nil
}
