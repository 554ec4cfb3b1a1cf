package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What stands behind "next:" can be typed: it is a command, which the program
// takes if it is one of ours. All else is advice.
func TestNextIsACommand(t *testing.T) {
	for i, v := range rulings() {
		if v.next != "" && v.next != sameCommand {
			checkNext(t, "verdict "+strconv.Itoa(i), v.next)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "failure" {
				seen++
				checkNextOf(t, set.Position(call.Pos()).String(), call.Args[1])
			}
			return true
		})
	}
	if seen < 40 {
		t.Errorf("%d failures found: the test has lost sight of them", seen)
	}
}

// checkNextOf checks the second argument of a failure as far as the source has
// it: the text it is, or begins with.
func checkNextOf(t *testing.T, where string, next ast.Expr) {
	t.Helper()
	whole := true
	for {
		sum, ok := next.(*ast.BinaryExpr)
		if !ok {
			break
		}
		next, whole = sum.X, false
	}
	literal, ok := next.(*ast.BasicLit)
	if !ok {
		return // made by shellLine and the like
	}
	text, err := strconv.Unquote(literal.Value)
	switch {
	case err != nil:
		t.Fatal(err)
	case whole && text != "":
		checkNext(t, where, text)
	case !whole && !strings.HasPrefix(text, "dexetl "):
		t.Errorf("%s: next begins with %q, which is no command", where, text)
	}
}

func checkNext(t *testing.T, where, next string) {
	t.Helper()
	args, ok := strings.CutPrefix(next, "dexetl ")
	if !ok {
		t.Errorf("%s: next is %q, which is no command", where, next)
		return
	}
	if err := parseOnly(shellWords(args)); err != nil {
		t.Errorf("%s: next is %q: %v", where, next, err)
	}
}

// The command to be typed again is the one that was typed, fit for a shell.
func TestNextIsTheSameCommand(t *testing.T) {
	p := &program{args: []string{"--study", "my study", "backfill", "--cohort", "it's", "P001"}}
	got := p.classify(failure(exitLater, sameCommand, "later")).next
	if want := `dexetl --study 'my study' backfill --cohort 'it'\''s' P001`; got != want {
		t.Errorf("next = %s, want %s", got, want)
	}
}
