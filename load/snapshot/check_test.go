//go:build linux || darwin

package snapshot

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// A latest that lags behind is none that is damaged; one that leads nowhere, or to what is
// no snapshot of the lake, is.
func TestCheckLatest(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 10)
	publish(t, l, m)
	newest := commit(t, l, "P002", 10)
	if harm := CheckLatest(l, newest); harm != nil {
		t.Errorf("latest of the snapshot before: %v, want nothing", harm)
	}
	for name, to := range map[string]string{"none": "", "dangling": "snapshots/000002", "above": "snapshots/000003", "another": "data"} {
		if err := errors.Join(l.Root().RemoveAll("latest"), l.Root().MkdirAll("snapshots/000003", 0o700)); err != nil {
			t.Fatal(err)
		}
		if to != "" {
			if err := l.Root().Symlink(to, "latest"); err != nil {
				t.Fatal(err)
			}
		}
		if harm := CheckLatest(l, newest); harm == nil || harm.Path != "latest" {
			t.Errorf("%s: %v, want damage", name, harm)
		}
	}
}

// A view that needs more memory than there may be is not called damaged.
func TestViewsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 8_000)
	asked, tooLarge, err := CheckViews(t.Context(), l, m, Limits{Memory: "8MB", Threads: 1}, true)
	if len(tooLarge) == 0 || asked <= len(tooLarge) || err != nil && strings.Contains(err.Error(), "Out of Memory") {
		t.Errorf("%d views, of which these are too large: %v, %v", asked, tooLarge, err)
	}
}

// What reads files has the columns that are told of it: the views over it need not be asked.
// Where it has others, each is asked, and those that do not answer are named.
func TestCheckViewsByTheirColumns(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := commit(t, l, "P001", 300)
	days(t, l, m)
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := toldRelations()
	for _, r := range all {
		if !r.asTold(t.Context(), db) {
			t.Errorf("%s has other columns than those told of it", r.name)
		}
	}
	if asked, _, err := CheckViews(t.Context(), l, m, Limits{}, false); asked != len(all) || err != nil || !filesAsTold(t.Context(), l, m, Limits{}) {
		t.Errorf("%d of a sound snapshot are asked, want %d, by the columns of files: %v", asked, len(all), err)
	}
	i := slices.IndexFunc(m.Files, func(f lake.File) bool { return f.Table == "glucose" })
	for _, columns := range []string{"* replace ([glucose_mgdl] as glucose_mgdl)", "* exclude (glucose_mgdl)"} {
		m.Files[i].Bytes, m.Files[i].SHA256 = rewrite(t, filepath.Join(l.Path(), m.Files[i].Path), columns)
		if _, _, err := CheckViews(t.Context(), l, m, Limits{}, false); err == nil || !strings.Contains(err.Error(), "glucose_mgdl") {
			t.Errorf("%s: %v; want an error that names the column", columns, err)
		}
	}
}

// rewrite gives a Parquet file other columns, and returns its size in bytes and its sum.
func rewrite(t *testing.T, path, columns string) (int64, string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other := filepath.Join(t.TempDir(), "other.parquet")
	if _, err := db.ExecContext(t.Context(), "copy (select "+columns+" from read_parquet("+text(path)+")) to "+text(other)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(content)), fmt.Sprintf("%x", sha256.Sum256(content))
}
