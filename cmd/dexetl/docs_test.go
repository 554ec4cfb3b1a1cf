package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/transform"
)

var update = flag.Bool("update", false, "write golden files")

const lakeDocumentation = "../../docs/lake.md"

// docs/lake.md specifies how rows are sorted, and the hidden tables; docs/views.md has
// the others.
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

// docs/security.md names every table that holds what identifies a device.
func TestSecurityDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		said[row[1]] = row[2]
	}
	for _, column := range []string{"transmitter_id", "transmitter_ticks", "record_id", "display_app", "extra", "account_hash"} {
		for _, table := range transform.Tables() {
			holds := slices.ContainsFunc(table.Columns, func(c transform.Column) bool { return c.Name == column })
			if named := slices.Contains(regexp.MustCompile(`\w+`).FindAllString(said[column], -1), table.Name); named != holds {
				t.Errorf("docs/security.md: %s of %s is named: %t, want %t", column, table.Name, named, holds)
			}
		}
	}
}

func tablesMarkdown() string {
	var b strings.Builder
	b.WriteString("\n| table | sorted by |\n|---|---|\n")
	for _, table := range transform.Tables() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", table.Name, strings.Join(table.Order, ", "))
	}
	for _, table := range transform.Tables() {
		if table.Hidden {
			fmt.Fprintf(&b, "\n### %s\n\n%s.\nKey: %s.\n\n| column | type | null | meaning |\n|---|---|---|---|\n",
				table.Name, capital(table.Comment), strings.Join(table.Key, ", "))
			for _, c := range table.Columns {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, typeName(c.Type), yesIf(c.Nullable), c.Comment)
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}

func yesIf(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func typeName(t arrow.DataType) string {
	if t.ID() == arrow.TIMESTAMP {
		return "timestamp[µs]"
	}
	return t.Name()
}

// Every command line in README, docs and examples is one that the program
// takes: its commands and flags exist, and the flags have values of their kind.
func TestDocumentedCommandLines(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	files := []string{"../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../examples/*", "../../examples/*/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		for n, line := range strings.Split(string(text), "\n") {
			for _, command := range commandLines(line) {
				seen++
				if err := parseOnly(shellWords(command)); err != nil {
					t.Errorf("%s:%d: dexetl %s: %v", filepath.Base(file), n+1, command, err)
				}
			}
		}
	}
	if seen < 80 {
		t.Errorf("%d command lines found: the test has lost sight of them", seen)
	}
	for _, wrong := range []string{"synk", "sync --tailing 7d", "sync --max-calls many", "status --watch", "invite list --revoke P001", "runs P001"} {
		if parseOnly(shellWords(wrong)) == nil {
			t.Errorf("dexetl %s is accepted: this test cannot fail", wrong)
		}
	}
}

// A command line stands at the beginning of a line, after a prompt or &&, as
// what a unit runs or a crontab keeps the words of, or between backticks.
var commandLine = regexp.MustCompile("(?:^ *|\\$ +|&& |ExecStart=|said=\\$\\(|`)(?:\\./bin/|/usr/local/bin/)?dexetl ([a-z-][^`]*)")

// commandLines are the arguments of each dexetl in a line of a document.
func commandLines(line string) (found []string) {
	for _, m := range commandLine.FindAllStringSubmatchIndex(line, -1) {
		rest := line[m[2]:m[3]]
		inline := strings.HasPrefix(line[m[0]:], "`")
		name, _, _ := strings.Cut(rest, " ")
		if strings.HasSuffix(name, ":") || !inline && strings.HasPrefix(line, "dexetl never") {
			continue // what dexetl says, or what is said of it
		}
		found = append(found, rest)
	}
	return found
}

// shellWords splits what a shell would give the program, up to the comment,
// the next command or the column that explains it. The brackets of what may be
// left out are taken away, as is SEL.
func shellWords(line string) (words []string) {
	word, quote, spaces := "", rune(0), 0
	flush := func() {
		if word != "" && word != "SEL" {
			words = append(words, word)
		}
		word = ""
	}
	for _, r := range line {
		if r == ' ' && quote == 0 {
			flush()
			if spaces++; spaces == 3 {
				return words
			}
			continue
		}
		spaces = 0
		switch {
		case r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '"' || r == '\'':
			quote = r
		case r == '#' || r == '|' || r == '>' || r == ';' || r == '&':
			if r == '>' && word == "2" {
				word = "" // which output goes elsewhere
			}
			flush()
			return words
		case r != '[' && r != ']':
			word += string(r)
		}
	}
	flush()
	return words
}

// parseOnly has the program read args, and does nothing else with them.
func parseOnly(args []string) error {
	p := &program{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }, now: time.Now}
	root := p.command()
	var idle func(c *cli.Command)
	idle = func(c *cli.Command) {
		for _, sub := range c.Commands {
			idle(sub)
		}
		switch {
		case c.ArgsUsage != "":
			c.Action = func(context.Context, *cli.Command) error { return nil }
		case len(c.Commands) == 0:
			c.Action = func(_ context.Context, c *cli.Command) error { return noArguments(c) }
		}
	}
	idle(root)
	return root.Run(context.Background(), append([]string{"dexetl"}, args...))
}
