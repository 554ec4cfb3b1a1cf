package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every command that is written for people is made by dexetl, again, commandLine and the
// like, and the program takes it. No text has one in it, where it would lose the study
// it is about, and flags that were given.
func TestNextIsACommand(t *testing.T) {
	oneAfterTheOther(t)
	for i, v := range rulings() {
		if len(v.next) > 0 && v.next[0] == "dexetl" {
			checkNext(t, "ruling "+strconv.Itoa(i), v.next[1:])
		}
	}
	seen := 0
	for _, file := range sources(t, "*.go", "../../study/*.go", "../../load/*.go", "../../load/*/*.go", "../../extract/*.go", "../../extract/*/*.go", "../../answer/*.go") {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				seen += checkMade(t, set, n)
			case *ast.KeyValueExpr: // what help says
				name, ok := n.Key.(*ast.Ident)
				return !ok || !slices.Contains([]string{"Usage", "Description", "Comment"}, name.Name)
			case *ast.BasicLit:
				if words := commandsIn(n.Value); len(words) > 0 {
					t.Errorf("%s: commands that nobody made for this study: %q", set.Position(n.Pos()), words)
				}
			}
			return true
		})
	}
	if seen < 60 {
		t.Errorf("%d commands found: the test has lost sight of them", seen)
	}
}

// sources are the files that match, without tests.
func sources(t *testing.T, patterns ...string) (files []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

// checkMade checks a call that makes a command, as far as the source has its words, and
// returns how many it was.
func checkMade(t *testing.T, set *token.FileSet, call *ast.CallExpr) int {
	t.Helper()
	makes := false
	switch f := call.Fun.(type) {
	case *ast.Ident:
		makes = f.Name == "dexetl" || f.Name == "line"
	case *ast.SelectorExpr:
		makes = f.Sel.Name == "commandLine" || f.Sel.Name == "sayNext"
	}
	if !makes || call.Ellipsis.IsValid() {
		return 0
	}
	words := mapped(call.Args, func(arg ast.Expr) string {
		if literal, ok := arg.(*ast.BasicLit); ok {
			word, _ := strconv.Unquote(literal.Value)
			return word
		}
		return "X" // known when it runs
	})
	checkNext(t, set.Position(call.Pos()).String(), words)
	return 1
}

// commandsIn are the commands of the program in a text.
func commandsIn(text string) (found []string) {
	for _, m := range regexp.MustCompile(`\bdexetl ([a-z]+)\b[^:]`).FindAllStringSubmatch(text, -1) {
		if parseOnly([]string{m[1]}) == nil {
			found = append(found, m[0])
		}
	}
	return found
}

func checkNext(t *testing.T, where string, words []string) {
	t.Helper()
	if err := parseOnly(words); err != nil {
		t.Errorf("%s: next is dexetl %q: %v", where, words, err)
	}
}

// The command to be typed again is the one that was typed, fit for a shell, with the
// study and whatever else was given.
func TestSpell(t *testing.T) {
	typed := []string{"--study", "my study", "withdraw", "P001", "--reason", "it's over", "--effective=2026-03-01"}
	p := &program{args: typed, flags: globalFlags{study: "my study"}}
	for _, tt := range []struct {
		step step
		want string
	}{
		{again(), `dexetl --study 'my study' withdraw P001 --reason "it's over" --effective=2026-03-01`},
		{again("--yes"), `dexetl --study 'my study' withdraw P001 --reason "it's over" --effective=2026-03-01 --yes`},
		{again("--effective", "2026-04-01"), `dexetl --study 'my study' withdraw P001 --reason "it's over" --effective 2026-04-01`},
		{again("--reason", "$HOME's"), `dexetl --study 'my study' withdraw P001 --effective=2026-03-01 --reason '$HOME'\''s'`},
		{dexetl("status", "P001"), `dexetl --study 'my study' status P001`},
		{dexetl("init", "my study"), `dexetl init 'my study'`},
		{shell("chmod", "600", "a key"), `chmod 600 'a key'`},
		{nil, ""},
	} {
		if got := p.spell(tt.step); got != tt.want {
			t.Errorf("spell(%q) = %s, want %s", tt.step, got, tt.want)
		}
	}
	p.path, p.flags.study = "../bin/dexetl", ""
	if got, want := p.spell(dexetl("status")), `../bin/dexetl status`; got != want {
		t.Errorf("spell = %s, want %s", got, want)
	}
	p.path = "dexetl"
	p.args = []string{"metrics", "--window", "basline", "--", "--odd"}
	if got, want := p.spell(again("--window", "baseline")), `dexetl metrics --window baseline -- --odd`; got != want {
		t.Errorf("spell = %s, want %s", got, want)
	}
}
