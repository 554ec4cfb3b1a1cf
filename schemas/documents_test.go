package schemas

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the documents anew")

// The documents are those that the tables of the code make, and no others.
func TestDocuments(t *testing.T) {
	want := documents{}
	for _, group := range []documents{dexcomDocuments(), lakeDocuments(), cliDocuments()} {
		maps.Copy(want, group)
	}
	if *update {
		writeDocuments(t, want)
	}
	for name, value := range want {
		text, err := document(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(filepath.FromSlash(name)); err != nil || string(got) != string(text) {
			t.Errorf("%s is not what its table says (%v): go test ./schemas -update", name, err)
		}
	}
	for _, name := range documentFiles(t) {
		if _, known := want[name]; !known {
			t.Errorf("%s belongs to no table: go test ./schemas -update", name)
		}
	}
}

// Every schema has a document, and every document but the API's belongs to a schema.
func TestAllHaveDocuments(t *testing.T) {
	if *update {
		t.Skip("this program still has the documents of before")
	}
	left := map[string]bool{}
	for _, name := range documentFiles(t) {
		left[name] = true
	}
	delete(left, openAPIPath)
	for _, s := range All() {
		if _, ok := s.Document(JSONSchema); !ok {
			t.Errorf("%s/%s has no JSON Schema", s.Group, s.Name)
		}
		for _, d := range []Dialect{JSONSchema, JSONStructure, Example} {
			delete(left, s.path(d))
		}
	}
	for name := range left {
		t.Errorf("%s belongs to none of All", name)
	}
}

func documentFiles(t *testing.T) (names []string) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func writeDocuments(t *testing.T, all documents) {
	t.Helper()
	for _, name := range documentFiles(t) {
		if _, kept := all[name]; kept {
			continue
		}
		if err := os.Remove(filepath.FromSlash(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range all {
		text, err := document(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.FromSlash(name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
