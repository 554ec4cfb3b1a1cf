package sql

import (
	"cmp"
	_ "embed" // empty.sql
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// emptyViews has the columns and types of every view; a test writes it.
//
//go:embed empty.sql
var emptyViews string

// Create returns the statements that create views, which are in the order of
// [Views], on a connection that has what else they read. DuckDB binds a view
// when it is created, and with it all that the views it reads are made of: 0.4 s
// for all of them. So each that others read is created empty first, and then, those that
// read others before those, all are as they are: bound over empty ones, in a tenth of the
// time.
func Create(views []View) []string {
	var empty, whole []string
	for i, v := range views {
		if slices.ContainsFunc(views[i+1:], func(other View) bool { return strings.Contains(other.Body, v.Name) }) {
			empty = append(empty, emptied(v.Name))
		}
		whole = append(whole, v.Body)
	}
	slices.Reverse(whole)
	return append(empty, whole...)
}

// emptied is the statement that creates the view called name without rows.
func emptied(name string) string {
	create, found := inEmpty(name)
	if !found {
		panic(fmt.Sprintf("view %s: not in empty.sql", name))
	}
	return create
}

// inEmpty finds the statement of a view in empty.sql.
func inEmpty(name string) (create string, found bool) {
	create = "create or replace view " + name + " as\n"
	_, body, found := strings.Cut(emptyViews, create)
	body, _, ended := strings.Cut(body, ";\n")
	return create + body + ";", found && ended
}

var emptyColumn = regexp.MustCompile(`null::(.+) as "(.+)"`)

// sortColumns puts the columns into the order that they have in the view, and returns
// their types.
func (v View) sortColumns() (types map[string]string) {
	create, _ := inEmpty(v.Name)
	places, types := map[string]int{}, map[string]string{}
	for i, found := range emptyColumn.FindAllStringSubmatch(create, -1) {
		places[found[2]], types[found[2]] = i, found[1]
	}
	slices.SortStableFunc(v.Columns, func(a, b Column) int { return cmp.Compare(places[a.Name], places[b.Name]) })
	return types
}
