package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What stands in the way is found where it is, also above the path; what is missing, and what
// is as it belongs, is not in the way.
func TestMisplaced(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(in("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   string
		folder bool // what belongs there
		at     string
		found  bool // that it is a folder
	}{
		{"folder", true, "", false}, {"file", false, "", false}, {"none", true, "", false}, {"none/at/all", false, "", false}, {"folder/none", false, "", false},
		{"file", true, "file", false}, {"folder", false, "folder", true}, {"file/below", false, "file", false}, {"file/far/below", true, "file", false},
	} {
		for stat, lstat := range map[string]func(string) (fs.FileInfo, error){"stat": os.Stat, "lstat": os.Lstat} {
			at, err := Misplaced(lstat, in(c.path), c.folder)
			kind, ok := err.(*KindError)
			if want := map[bool]string{true: in(c.at)}[c.at != ""]; at != want || ok != (want != "") || ok && kind.Folder != c.found {
				t.Errorf("Misplaced(%s, %s, %t) = %q, %v; want %q", stat, c.path, c.folder, at, err, want)
			}
		}
	}
}
