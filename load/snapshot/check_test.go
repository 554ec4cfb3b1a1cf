//go:build linux || darwin

package snapshot

import (
	"errors"
	"strings"
	"testing"
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
