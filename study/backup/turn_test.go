package backup

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/load/lake"
)

// write makes a tree of files, by their names.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read are the files of a tree, but for the marker.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := eachFile(dir, func(path string) error {
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		if rel != markerFile {
			files[rel] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A turn that was broken off after any of its steps is ended by whoever comes next, and
// ends as one that was not.
func TestTurnIsEnded(t *testing.T) {
	was := map[string]string{"state/state.db": "old", "lake/raw/1": "a", "lake/data/x": "x", "lake/data/gone/y": "y", "notes": "n", "secret": "s", "keys/us": "k"}
	next := map[string]string{"state/state.db": "new", "lake/raw/1": "ab", "lake/raw/2": "c", "state/receipts/r": "r", "secret/us": "t", "keys": "l"} // a file became a folder, and the reverse
	gone := []string{"lake/data/gone/y", "lake/data/gone", "notes"}
	want := maps.Clone(was)
	maps.Copy(want, next)
	delete(want, "lake/data/gone/y")
	delete(want, "notes")
	delete(want, "secret")
	delete(want, "keys/us")
	marker := Marker{Format: format, Begun: time.Unix(1, 0).UTC(), Finished: time.Unix(2, 0).UTC(), Snapshot: 2}
	text, err := json.Marshal(turning{marker, gone})
	if err != nil {
		t.Fatal(err)
	}
	steps := []func(dir string) error{
		func(string) error { return nil },
		func(dir string) error { return marker.unfinished().write(dir) },
		func(dir string) error { return os.Remove(filepath.Join(dir, "lake/data/gone/y")) },
		func(dir string) error { return os.Remove(filepath.Join(dir, "lake/data/gone")) },
		func(dir string) error { return os.Remove(filepath.Join(dir, "notes")) },
		func(dir string) error {
			return os.Rename(filepath.Join(dir, asideDir, "lake/raw/1"), filepath.Join(dir, "lake/raw/1"))
		},
		func(dir string) error {
			return os.Rename(filepath.Join(dir, asideDir, "lake/raw/2"), filepath.Join(dir, "lake/raw/2"))
		},
		func(dir string) error { return os.MkdirAll(filepath.Join(dir, "state/receipts"), 0o700) },
		func(dir string) error { return os.RemoveAll(filepath.Join(dir, "keys")) },
		func(dir string) error {
			return os.Rename(filepath.Join(dir, asideDir, "keys"), filepath.Join(dir, "keys"))
		},
		func(dir string) error { return os.Remove(filepath.Join(dir, "secret")) },
	}
	for broken := range steps {
		dir := t.TempDir()
		write(t, dir, was)
		write(t, filepath.Join(dir, asideDir), next)
		write(t, dir, map[string]string{filepath.Join(asideDir, turnFile): string(text)})
		older := Marker{Format: format, Begun: time.Unix(0, 0).UTC(), Finished: time.Unix(0, 1).UTC(), Snapshot: 1}
		if err := older.write(dir); err != nil {
			t.Fatal(err)
		}
		for _, step := range steps[:broken+1] {
			if err := step(dir); err != nil {
				t.Fatal(err)
			}
		}
		m, err := whole(dir)
		if err != nil || !cmp.Equal(m, marker) {
			t.Errorf("broken off after step %d: %+v, %v", broken, m, err)
		}
		if diff := cmp.Diff(want, read(t, dir)); diff != "" {
			t.Errorf("broken off after step %d (-want +got):\n%s", broken, diff)
		}
	}
}

// A turn takes out nothing that lies outside of the backup.
func TestTurnStaysInside(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"mine": "m", "backup/" + asideDir + "/" + turnFile: `{"marker": {"format": 1}, "gone": ["../mine"]}`})
	if err := endTurn(filepath.Join(dir, "backup")); err == nil || !strings.Contains(err.Error(), "../mine") {
		t.Errorf("endTurn: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine")); err != nil {
		t.Error(err)
	}
}

// A file beside the configuration that has the name of a folder of the backup's own takes none
// of it away.
func TestTurnSparesTheTrees(t *testing.T) {
	for _, name := range []string{lakeTree, stateTree, asideDir} {
		dir := t.TempDir()
		was := map[string]string{"lake/raw/1": "a", "state/state.db": "old"}
		write(t, dir, was)
		write(t, filepath.Join(dir, asideDir), map[string]string{name: "mine", turnFile: `{"marker": {"format": 1}}`})
		if err := endTurn(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(was, read(t, dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Of a turn that cannot be read nothing is done: the backup is the one that its marker says.
func TestTurnThatCannotBeRead(t *testing.T) {
	finished := Marker{Format: format, Begun: time.Unix(1, 0).UTC(), Finished: time.Unix(2, 0).UTC(), Snapshot: 1}
	text, err := lake.Sealed(turning{finished, []string{"notes"}})
	if err != nil {
		t.Fatal(err)
	}
	was := map[string]string{"notes": "n", "noted": "m", "lake/raw/1": "a"}
	for how, harmed := range map[string]string{
		"empty": "", "cut": string(text[:len(text)-9]), "altered": strings.Replace(string(text), `"notes"`, `"noted"`, 1), "a folder": "folder", "no folder": "file",
	} {
		for _, marker := range []Marker{finished, finished.unfinished()} {
			dir := t.TempDir()
			write(t, dir, was)
			if err := marker.write(dir); err != nil {
				t.Fatal(err)
			}
			turn := map[string]string{asideDir + "/lake/raw/1": "b", asideDir + "/" + turnFile: harmed}
			switch how {
			case "a folder":
				turn = map[string]string{asideDir + "/" + turnFile + "/x": "y"}
			case "no folder":
				turn = map[string]string{asideDir: "file"}
			}
			write(t, dir, turn)
			if m, err := whole(dir); err != nil || !cmp.Equal(m, marker) {
				t.Errorf("%s: %+v, %v; want %+v", how, m, err, marker)
			}
			want := maps.Clone(was)
			maps.Copy(want, turn)
			if diff := cmp.Diff(want, read(t, dir)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", how, diff)
			}
			b := &making{to: dir, older: marker}
			if err := b.begin(); err != nil {
				t.Errorf("%s: the next backup: %v", how, err)
			}
			if left, err := os.ReadDir(filepath.Join(dir, asideDir)); err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() == turnFile }) {
				t.Errorf("%s: the next backup has %v in its place: %v", how, left, err)
			}
		}
	}
}
