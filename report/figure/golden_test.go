package figure

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden drawings anew")

// golden holds a drawing against testdata/name.svg, an element a line.
func golden(t *testing.T, name string, f Figure) {
	t.Helper()
	got := strings.ReplaceAll(string(f.SVG), "><", ">\n<") + "\n"
	path := filepath.Join("testdata", name+".svg")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is drawn otherwise; look at it, and write it anew with -update:\n%s", name, got)
	}
	if !strings.Contains(got, "<title") || !strings.Contains(got, "<desc") || len(f.Data.Rows) == 0 {
		t.Errorf("%s has no title, no description or no numbers", name)
	}
	for _, row := range f.Data.Rows {
		if len(row) != len(f.Data.Columns) {
			t.Errorf("%s: a row has %d cells of %d: %q", name, len(row), len(f.Data.Columns), row)
		}
	}
}
