package snapshot

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// Relations are the tables that a session shows and the views that people open, all as
// tables. A column of a view may always be null.
func Relations() []transform.Table {
	all := tables()
	for _, v := range sql.Views() {
		if v.IsInternal() {
			continue
		}
		t := transform.Table{Name: v.Name, Comment: v.Comment, Kind: transform.Derived, Version: 1, Sound: 1}
		for _, c := range v.Columns {
			t.Columns = append(t.Columns, transform.Column{Name: c.Name, Type: arrowType(v.Types[c.Name]), Nullable: true, Comment: c.Comment})
		}
		all = append(all, t)
	}
	return all
}

// arrowType is the type of a column that DuckDB names so: sqlType the other way round.
func arrowType(name string) arrow.DataType {
	for _, t := range []arrow.DataType{varchar, timestamp, date, double, boolean, smallint, bigint, arrow.PrimitiveTypes.Int32} {
		if sqlType(t) == strings.ToLower(name) {
			return t
		}
	}
	panic(fmt.Sprintf("a view has a column of type %s", name)) // the views are part of the program, and a test reads them all
}

// Codebook describes tables and their columns as codebook.csv does.
func Codebook(tables []transform.Table) []byte {
	about := make([]told, len(tables))
	for i, t := range tables {
		about[i] = toldTable(t)
	}
	return codebookOf(about)
}

// Comments are the statements that describe tables of a schema.
func Comments(schema string, tables []transform.Table) (all []string) {
	for _, t := range tables {
		name := schema + "." + identifier(t.Name)
		all = append(all, commentOn("table", name, t.Comment))
		for _, c := range t.Columns {
			all = append(all, commentOn("column", name+"."+identifier(c.Name), c.Comment))
		}
	}
	return all
}
