package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// line writes an output of a form, in one line, to standard output.
func (p *program) line(f schemas.Form, values ...any) {
	if text, err := table.JSONText(f.Object(values...), "", ""); err == nil {
		_, _ = p.stdout.Write(append(text, '\n')) // whoever reads it may have left
	}
}

// tell writes a line of a result for people to standard output.
func (p *program) tell(format string, args ...any) error {
	return p.put(p.stdout, plainText(format, args...))
}

// put writes text and ends its line. Where w is a terminal, lines end within it.
func (p *program) put(w io.Writer, text string) error {
	_, err := fmt.Fprintln(w, broken(text, p.widthOf(w)))
	return err
}

// plainText is fmt.Sprintf with arguments that cannot do anything to a terminal,
// nor begin a line of their own; errors, which may list several things, can.
func plainText(format string, args ...any) string {
	args = slices.Clone(args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = plain.Line(arg)
		case error:
			args[i] = errors.New(notOurs(arg.Error()))
		}
	}
	return plain.Text(fmt.Sprintf(format, args...))
}

// notOurs is text of several lines of which none but the first looks like one that
// dexetl itself begins: a name with a line break in it must not tell people what to
// do next.
func notOurs(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		if label, _, ok := strings.Cut(strings.TrimSpace(plain.Line(line)), ":"); ok && slices.Contains([]string{"dexetl", "advice", "next"}, label) {
			lines[i+1] = "> " + line
		}
	}
	return strings.Join(lines, "\n")
}

func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// tableOf is an empty table of a form.
func tableOf(f schemas.Form) table.Table {
	return table.Table{Schema: f.Schema(), Columns: f.Columns()}
}

// printed is print for what may have failed.
func (p *program) printed(t table.Table, err error) error {
	if err != nil {
		return err
	}
	return p.print(t)
}

// print writes a result to standard output, as JSON if asked to.
func (p *program) print(t table.Table) error { return p.printTo(p.stdout, t) }

func (p *program) printTo(w io.Writer, t table.Table) error {
	if p.flags.json {
		return t.Write(w, table.JSON)
	}
	return p.show(w, t)
}

// show writes a result as text: on a terminal, so that it fits.
func (p *program) show(w io.Writer, t table.Table) error { return t.Show(w, p.tableWidth(w)) }

// write writes a result to standard output in some format.
func (p *program) write(t table.Table, f table.Format) error {
	if f == table.Text {
		return p.show(p.stdout, t)
	}
	return t.Write(p.stdout, f)
}

// object writes an output of a form to standard output.
func (p *program) object(f schemas.Form, values ...any) error {
	return table.WriteJSON(p.stdout, f.Schema(), f.Object(values...))
}

// report tells a person what was done, or with --json a program on standard
// output.
func (p *program) report(f schemas.Form, values []any, format string, args ...any) error {
	if p.flags.json {
		return p.object(f, values...)
	}
	p.say(format, args...)
	return nil
}

// say tells a person what happened, on standard error.
func (p *program) say(format string, args ...any) {
	if !p.flags.quiet {
		p.note(format, args...)
	}
}

// note is say for what a person must know even with --quiet.
func (p *program) note(format string, args ...any) {
	_ = p.put(p.stderr, plainText(format, args...)) // whoever reads it may have left
}
