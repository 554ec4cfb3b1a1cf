package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWithin(t *testing.T) {
	root := t.TempDir()
	lake := filepath.Join(root, "lake")
	if err := os.Mkdir(lake, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(lake, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"lake": true, "lake/pages": true, "lake/not/there/yet": true, "link/pages/2": true, "lake/../lake/x": true,
		"lakes": false, "pages": false, "lake/../pages": false, ".": false, "..pages": false,
	} {
		if got := Within(lake, filepath.Join(root, path)); got != want {
			t.Errorf("Within(lake, %s) = %t", path, got)
		}
	}
}
