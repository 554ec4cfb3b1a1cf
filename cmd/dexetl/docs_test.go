package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/transform"
)

var update = flag.Bool("update", false, "write golden files")

const lakeDocumentation = "../../docs/lake.md"

// docs/lake.md specifies every column: it must say what the code writes.
func TestLakeDocumentation(t *testing.T) {
	text, err := os.ReadFile(lakeDocumentation)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), "-update` -->\n")
	_, tail, ok2 := strings.Cut(rest, "<!-- /tables -->")
	if !ok || !ok2 {
		t.Fatalf("%s has lost its table markers", lakeDocumentation)
	}
	want := head + "-update` -->\n" + tablesMarkdown() + "<!-- /tables -->" + tail
	if *update {
		if err := os.WriteFile(lakeDocumentation, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, string(text)); diff != "" && !*update {
		t.Errorf("%s differs from transform.Tables (-want +got), run with -update:\n%s", lakeDocumentation, diff)
	}
}

func tablesMarkdown() string {
	var b strings.Builder
	for _, table := range transform.Tables() {
		fmt.Fprintf(&b, "\n### %s\n\n%s. Key: %s. Sorted by %s.\n\n| column | type | null | meaning |\n|---|---|---|---|\n",
			table.Name, capital(table.Comment), strings.Join(table.Key, ", "), strings.Join(table.Order, ", "))
		for _, c := range table.Columns {
			null := ""
			if c.Nullable {
				null = "yes"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, typeName(c.Type), null, c.Comment)
		}
	}
	b.WriteString("\n")
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func typeName(t arrow.DataType) string {
	if t.ID() == arrow.TIMESTAMP {
		return "timestamp[µs]"
	}
	return t.Name()
}
