package schemas

import (
	"fmt"
	"slices"
)

// A Form is what one --json output of the program looks like: a JSON object that names
// the form in its member schema. The program takes names, version and the order of
// columns from here.
type Form struct {
	name    string // such as status
	version int
	comment string
	parts   []part // without schema
}

// A part is one member of an object.
type part struct {
	name    string
	shape   shape
	comment string // what it is, and its unit
	null    string // what null means; "": it is never null
}

// rowsName is the member that holds the rows of a table.
const rowsName = "rows"

// rows is the form of a table and of what stands beside its rows.
func rows(name string, version int, comment, row string, columns []part, more ...part) Form {
	return Form{name, version, comment, append([]part{{rowsName, listOf(columns...), row, ""}}, more...)}
}

// Schema is what an output of the form says in its member schema.
func (f Form) Schema() string { return fmt.Sprintf("dexetl.%s/%d", f.name, f.version) }

// Columns are the columns of a table of the form, in their order: those of rows, or of
// the list that is named.
func (f Form) Columns(list ...string) []string {
	name := rowsName
	if len(list) > 0 {
		name = list[0]
	}
	at := slices.IndexFunc(f.parts, func(p part) bool { return p.name == name })
	return namesOf(f.parts[at].shape.parts)
}

// Plain are the members that stand before the lists, in their order.
func (f Form) Plain() []string {
	first := slices.IndexFunc(f.parts, func(p part) bool { return p.shape.parts != nil })
	return namesOf(f.parts[:first])
}

func namesOf(parts []part) []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}

// Object is an output of the form with these values, one for each of its members in
// their order; nil leaves out a member that may be missing.
func (f Form) Object(values ...any) map[string]any {
	if len(values) != len(f.parts) {
		panic(fmt.Sprintf("%s has %d members, not %d", f.Schema(), len(f.parts), len(values)))
	}
	out := map[string]any{"schema": f.Schema()}
	for i, p := range f.parts {
		if values[i] != nil || !p.shape.optional {
			out[p.name] = values[i]
		}
	}
	return out
}
