package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Markdown has one sentence a line, so that a diff shows the sentence that
// changed. Tables, code and headings are as they are.
func TestDocsHaveOneSentenceALine(t *testing.T) {
	files := markdownFiles(t)
	for _, file := range []string{"README.md", "CONTRIBUTING.md", "docs/lake.md", "examples/README.md"} {
		if !slices.Contains(files, filepath.Join("../..", file)) {
			t.Errorf("%s is not read: the test has lost sight of it", file)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range proseFaults(string(text)) {
			t.Errorf("%s:%s", strings.TrimPrefix(file, "../../"), fault)
		}
	}
}

func TestProseFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one sentence", "It is so.\nIt stays so.", ""},
		{"two sentences", "It is so. It stays so.", "1: two"},
		{"a question, an exclamation", "Is it so? It is!\nSo it is! Truly.", "1: two 2: two"},
		{"in brackets", "It is so (or not.) It stays.", "1: two"},
		{"in bold", "**It is so.** It stays.", "1: two"},
		{"code begins one", "It is so. `sync` stays.", "1: two"},
		{"a link begins one", "It is so. [This](a.md) stays.", "1: two"},
		{"in a list", "- It is so. It stays.", "1: two"},
		{"continued in a list", "- It is so.\n  It stays. It goes.", "2: two"},
		{"in a numbered list", "1. It is so. It stays.", "1: two"},
		{"a quotation", "> It is so. It stays.", "1: two"},
		{"an abbreviation", "Some, e.g. Xdrip, i.e. A, St. John, approx. A.", ""},
		{"an initial", "By A. Smith.", ""},
		{"code", "Type `a. B` or `c? D` here.", ""},
		{"a number", "Version 1.26 and 3.9 mmol/L.", ""},
		{"a table", "| a. B | c |", ""},
		{"fenced", "```\nA. B\n```\nIt is so. It stays.", "4: two"},
		{"fenced in a list", "- A:\n\n  ~~~sh\n  A. B\n  ~~~", ""},
		{"a heading", "## It. Is", ""},
		{"a broken sentence", "It is\nso.", "1: broken"},
		{"a broken item", "- It is\n  so.", "1: broken"},
		{"a sentence before a list", "There are\n- one\n- two", ""},
		{"ends in a link", "See [this.](a.md)\nIt stays:\n*So it is.*\n", ""},
	} {
		var got []string
		for _, fault := range proseFaults(c.text) {
			line, what, _ := strings.Cut(fault, ":")
			what, _, _ = strings.Cut(strings.TrimSpace(what), " ")
			got = append(got, line+": "+what)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// markdownFiles are those of the repository, but for testdata.
func markdownFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch hidden := strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."; {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || entry.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	inlineCode   = regexp.MustCompile("`[^`]*`")
	linkTarget   = regexp.MustCompile(`\]\([^)]*\)`)
	beginsItem   = regexp.MustCompile(`^\s*(?:[-*+]|\d+\.) +`)
	abbreviated  = regexp.MustCompile(`\b(?:e\.g|i\.e|cf|vs|approx|St|Dr|Mr|Mrs|Ms|[A-Z])\.`)
	betweenTwo   = regexp.MustCompile("[.!?][)\\]*_\"”]* +[(\\[*_\"“]*[A-Z`…]")
	sentenceEnds = regexp.MustCompile("[.!?:][)\\]*_\"”]*$")
)

// proseFaults are the lines of a Markdown text with more than a sentence, and
// those that break one off, each with its number.
func proseFaults(text string) (faults []string) {
	fenced, before := false, ""
	for n, line := range strings.Split(text, "\n") {
		bare := strings.TrimSpace(line)
		if strings.HasPrefix(bare, "```") || strings.HasPrefix(bare, "~~~") {
			fenced, before = !fenced, ""
			continue
		}
		if fenced || bare == "" || strings.HasPrefix(bare, "|") || strings.HasPrefix(bare, "#") || strings.HasPrefix(bare, "<!--") {
			before = ""
			continue
		}
		item := beginsItem.MatchString(line)
		prose := proseOf(beginsItem.ReplaceAllString(line, ""))
		if before != "" && !item && !sentenceEnds.MatchString(before) {
			faults = append(faults, fmt.Sprintf("%d: broken off, the next line goes on: %.60s", n, before))
		}
		if betweenTwo.MatchString(prose) {
			faults = append(faults, fmt.Sprintf("%d: two sentences in a line: %.60s", n+1, bare))
		}
		before = prose
	}
	return faults
}

// proseOf is a line in which no full stop means anything but the end of a
// sentence: code, addresses and abbreviations have none.
func proseOf(line string) string {
	line = inlineCode.ReplaceAllString(line, "`code`")
	line = linkTarget.ReplaceAllString(line, "]")
	line = abbreviated.ReplaceAllString(line, "abbreviation")
	return strings.TrimSpace(line)
}

// Every link to a page of the repository leads to a file that is there, and to
// one of its headings if it names one.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	oneAfterTheOther(t)
	links, seen := regexp.MustCompile(`\]\(([^)#:\s]*)(#[^)\s]+)?\)`), 0
	for _, file := range markdownFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllStringSubmatch(inlineCode.ReplaceAllString(string(text), ""), -1) {
			seen++
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			there, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			} else if m[2] != "" && !slices.Contains(anchors(string(there)), m[2]) {
				t.Errorf("%s: %s has no heading %s", file, target, m[2])
			}
		}
	}
	if seen < 80 {
		t.Errorf("%d links found: the test has lost sight of them", seen)
	}
}

// anchors are the headings of a Markdown text as links name them.
func anchors(text string) (names []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
