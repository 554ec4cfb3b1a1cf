package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dexetl/dexetl/schemas"
)

// runChecked runs a command in this process. What it prints with --json must have the
// form that it names.
func runChecked(t testing.TB, p *program, args []string) int {
	t.Helper()
	if !slices.Contains(args, "--json") {
		return p.run(args)
	}
	var out, errs printed
	p.stdout, p.stderr = io.MultiWriter(p.stdout, &out), io.MultiWriter(p.stderr, &errs)
	code := p.run(args)
	if err := checkForms(args, code, out.String(), errs.String()); err != nil {
		t.Errorf("%q: %v", args, err)
	}
	return code
}

// exitMisformed is the exit code of a process that printed JSON without its form.
const exitMisformed = 99

// formed is runChecked for a process.
func formed(run func() int) int {
	if !slices.Contains(os.Args, "--json") {
		return run()
	}
	var out, errs printed
	stderr := os.Stderr
	outEnds, errEnds := tee(&os.Stdout, &out), tee(&os.Stderr, &errs)
	code := run()
	outEnds()
	errEnds()
	if err := checkForms(os.Args, code, out.String(), errs.String()); err != nil {
		fmt.Fprintf(stderr, "%q: %v\n", os.Args, err)
		return exitMisformed
	}
	return code
}

// printed is what a command printed: nothing of what is so long that a test streams it.
type printed struct {
	kept sharedBuffer
	size atomic.Int64
}

func (p *printed) Write(b []byte) (int, error) {
	if p.size.Add(int64(len(b))) <= longest {
		return p.kept.Write(b)
	}
	return len(b), nil
}

const longest = 16 << 20 // bytes

func (p *printed) String() string {
	if p.size.Load() > longest {
		return ""
	}
	return p.kept.String()
}

// checkForms is what is wrong with what a command printed with --json, nil if all of it
// has the form that it names.
func checkForms(args []string, code int, stdout, stderr string) error {
	results, rest := jsonIn(stdout)
	told, _ := jsonIn(stderr)
	var wrong []error
	for _, value := range append(results, told...) {
		wrong = append(wrong, hasForm(value))
	}
	if rest != "" && code == exitDone && !slices.Contains(args, "--print-url") {
		wrong = append(wrong, fmt.Errorf("%q is no JSON", rest))
	}
	return errors.Join(wrong...)
}

// jsonIn are the objects that begin with a line of text, and the lines that belong to none.
func jsonIn(text string) (found []any, rest string) {
	var others strings.Builder
	for text != "" {
		in := json.NewDecoder(strings.NewReader(text))
		in.UseNumber()
		var value any
		if strings.HasPrefix(text, "{") && in.Decode(&value) == nil {
			found = append(found, value)
			text = strings.TrimPrefix(text[in.InputOffset():], "\n")
			continue
		}
		line, after, _ := strings.Cut(text, "\n")
		others.WriteString(line + "\n")
		text = after
	}
	return found, strings.TrimSpace(others.String())
}

// hasForm is what is wrong with an output by the form that it names.
func hasForm(value any) error {
	name := formOf(value)
	schema, err := compiled(name)
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// formOf is the form that an output names.
func formOf(value any) string {
	object, _ := value.(map[string]any)
	name, _ := object["schema"].(string)
	return name
}

var compiledForms sync.Map

// compiled is the schema of a form such as dexetl.status/4.
func compiled(form string) (*jsonschema.Schema, error) {
	if schema, ok := compiledForms.Load(form); ok {
		return schema.(*jsonschema.Schema), nil
	}
	for _, s := range schemas.All() {
		if s.Group != "cli" || s.Title != form {
			continue
		}
		text, _ := s.Document(schemas.JSONSchema)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("form.json", document); err != nil {
			return nil, err
		}
		schema, err := compiler.Compile("form.json")
		compiledForms.Store(form, schema)
		return schema, err
	}
	return nil, errors.New("there is no schema of this form")
}
