package snapshot

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// The folders that latest led to in the last day stay for their readers; older ones go.
func TestFoldersKept(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for n, hours := range []time.Duration{0, 1, 40, 42, 65} {
		l.Now = func() time.Time { return start.Add(hours * time.Hour) }
		m := commit(t, l, fmt.Sprintf("P%03d", n), 1)
		if n == 1 {
			continue // a commit without a folder
		}
		publish(t, l, m)
	}
	if got, want := folders(t, l), []string{"000003", "000004", "000005"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
	if got := latest(t, l); got != "5" {
		t.Errorf("rows of glucose in latest = %s, want 5", got)
	}
}

// The folder of a snapshot that somebody opened stays, unless somebody withdraws.
func TestOpenedFolderStays(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var first lake.Manifest
	for n, hours := range []time.Duration{0, 30, 60, 90} {
		l.Now = func() time.Time { return start.Add(hours * time.Hour) }
		if n > 0 {
			if err := l.MarkOpened(first.ID()); err != nil {
				t.Fatal(err)
			}
		}
		m := commit(t, l, fmt.Sprintf("P%03d", n), 1)
		if n == 0 {
			first = m
		}
		publish(t, l, m)
	}
	if got, want := folders(t, l), []string{"000001", "000003", "000004"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
	publish(t, l, withdrawIn(t, l, "P001"))
	if got, want := folders(t, l), []string{"000005"}; !slices.Equal(got, want) {
		t.Errorf("after a withdrawal folders = %q, want %q", got, want)
	}
}

// folders are the names of the folders that there are.
func folders(t *testing.T, l *lake.Lake) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(escape(l.Path()), "snapshots", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

// A withdrawal ends every folder that does not show it, and no other, also where an
// earlier publish did not come to that.
func TestWithdrawalEndsFolders(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	publish(t, l, commit(t, l, "P002", 1))
	publish(t, l, withdrawIn(t, l, "P001"))
	publish(t, l, commit(t, l, "P003", 1))
	if got, want := folders(t, l), []string{"000003", "000004"}; !slices.Equal(got, want) {
		t.Errorf("folders = %q, want %q", got, want)
	}
}

// withdrawIn commits a withdrawal.
func withdrawIn(t *testing.T, l *lake.Lake, id string) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	c := l.Begin(parent)
	c.Add(writeMonth(t, c, "withdrawals", id, time.Time{}, 1))
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}
