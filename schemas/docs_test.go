package schemas

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// The tables in docs/schemas.md are those of the code.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "docs", "schemas.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	made := string(text)
	for name, table := range map[string]string{
		"types": typesTable(), "nested": nestedTable(), "leniencies": leniencyTable(), "limits": limitTable(),
	} {
		made = between(t, made, "<!-- "+name+" -->\n", "<!-- end of "+name+" -->", table)
	}
	if made == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/schemas.md is not what the tables of the code say: go test ./schemas -update")
	}
	if err := os.WriteFile(path, []byte(made), 0o644); err != nil {
		t.Fatal(err)
	}
}

func between(t *testing.T, text, start, end, with string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, start)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("docs/schemas.md has no %s", strings.TrimSpace(start))
	}
	return before + start + with + end + after
}

func typesTable() string {
	table := "| type | what differs from the public document of that name, and why |\n|---|---|\n"
	for _, of := range types() {
		if why, public := differs[of.Name]; public {
			table += fmt.Sprintf("| %s | %s |\n", linked(of), why)
		}
	}
	return table
}

func linked(of dexcom.Type) string {
	return fmt.Sprintf("[%s](../schemas/dexcom/%s.schema.json)", of.Title, of.Name)
}

func nestedTable() string {
	table := "| type | what it is |\n|---|---|\n"
	for _, of := range types() {
		if _, public := differs[of.Name]; !public {
			table += fmt.Sprintf("| %s | %s |\n", linked(of), of.Comment)
		}
	}
	return table
}

func leniencyTable() string {
	table := "| what | example | what becomes of it |\n|---|---|---|\n"
	for _, l := range leniencies() {
		shown := l.shown
		if shown == "" {
			steps := strings.Split(l.at, "/")
			shown = fmt.Sprintf("`\"%s\": %s`", steps[len(steps)-1], l.value)
		}
		table += fmt.Sprintf("| %s | %s | %s |\n", l.name, shown, l.says)
	}
	return table
}

func limitTable() string {
	table := "| what | how much |\n|---|---|\n"
	for _, l := range limits() {
		table += fmt.Sprintf("| %s | %s |\n", l.name, l.says)
	}
	return table
}

// Each of the 27 public types has a word, and is one of ours.
func TestDiffers(t *testing.T) {
	if len(differs) != 27 {
		t.Errorf("%d types, want 27", len(differs))
	}
	for name := range differs {
		if types().named(name).Name == "" {
			t.Errorf("there is no type %s", name)
		}
	}
}
