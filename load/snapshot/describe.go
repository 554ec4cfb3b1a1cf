package snapshot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// A told is what codebook.csv and describe tell of a table or view.
type told struct {
	name    string
	kind    string // table or view
	comment string
	columns []toldColumn
}

type toldColumn struct{ name, kind, nullable, comment string }

// toldTable tells of a table.
func toldTable(t transform.Table) told {
	all := told{name: t.Name, kind: "table", comment: t.Comment}
	for _, c := range t.Columns {
		all.columns = append(all.columns, toldColumn{c.Name, sqlType(c.Type), fmt.Sprint(c.Nullable), c.Comment})
	}
	return all
}

// toldView tells of a view, whose columns may be null wherever they say so.
func toldView(v sql.View) told {
	all := told{name: v.Name, kind: "view", comment: v.Comment}
	for _, c := range v.Columns {
		all.columns = append(all.columns, toldColumn{c.Name, v.Types[c.Name], "", c.Comment})
	}
	return all
}

// describing matches a statement that describes one table or view.
var describing = regexp.MustCompile(`(?i)^\s*(?:describe|desc|show)\s+(?:table\s+)?"?((?:\w+\.)?\w+)"?\s*;?\s*$`)

// described is what a session runs for a statement. DuckDB knows no more of a column
// than its type, and takes each for one that may be null: whoever describes a table or
// view is told what it means instead, itself first.
func described(statement string) string {
	m := describing.FindStringSubmatch(statement)
	if m == nil {
		return statement
	}
	relations := toldRelations()
	i := slices.IndexFunc(relations, func(r told) bool { return strings.EqualFold(r.name, m[1]) })
	if i < 0 {
		return statement
	}
	about := relations[i]
	var names, comments []string
	for _, c := range about.columns {
		names, comments = append(names, text(c.name)), append(comments, text(c.comment))
	}
	return fmt.Sprintf(`select null as column_name, %s as column_type, %s as comment
union all
select column_name, lower(column_type), map([%s], [%s])[column_name] from (describe %s)`,
		text(about.kind), text(about.comment), strings.Join(names, ", "), strings.Join(comments, ", "), qualified(about.name))
}

// toldRelations tells of all that a session shows.
func toldRelations() (all []told) {
	for _, t := range tables() {
		all = append(all, toldTable(t))
	}
	for _, v := range sql.Views() {
		all = append(all, toldView(v))
	}
	return all
}
