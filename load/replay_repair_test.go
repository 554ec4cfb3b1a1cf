package load

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// Data files that are missing or damaged come back, and what could not be
// compared is named.
func TestReplayRepairs(t *testing.T) {
	_, k, study := aWorld(t)
	want, m := k.all(), k.current()
	egvs, glucose, requests := m.TableFiles("egvs")[0], m.TableFiles("glucose")[0], m.TableFiles("requests")[0]
	path := func(f lake.File) string { return filepath.Join(k.Lake.Path(), f.Path) }
	if err := os.Remove(path(egvs)); err != nil {
		t.Fatal(err)
	}
	flip(t, path(glucose))
	flip(t, path(requests))
	d := k.replay(study)
	sameLakes(t, "replayed", k.all(), want)
	if !d.Equal() {
		t.Errorf("Diff = %+v, want equal as far as it could be compared", d.Rows)
	}
	for _, n := range d.NotCompared {
		if !slices.Contains([]string{egvs.Path, glucose.Path, requests.Path}, n.Err.Path) {
			t.Errorf("not compared for %s, which is whole", n.Err.Path)
		}
	}
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, b, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// The file that names who has withdrawn comes back too, if the state still does.
func TestReplayRepairsWithdrawals(t *testing.T) {
	t.Parallel()
	_, k, study := aWorld(t)
	whole := study
	study.Withdrawals = []Withdrawal{{"P1", at(2, "03:00:00"), now}}
	k.load(study)
	k.replay(study)
	want := k.all()
	if err := os.Remove(filepath.Join(k.Lake.Path(), k.current().TableFiles("withdrawals")[0].Path)); err != nil {
		t.Fatal(err)
	}
	var damage *lake.DamageError
	if _, err := k.Replay(t.Context(), whole, "REPLAY"); !errors.As(err, &damage) {
		t.Errorf("Replay with a state that has forgotten the withdrawal: %v, want the damaged file", err)
	}
	k.replay(study)
	sameLakes(t, "replayed", k.all(), want)
}
