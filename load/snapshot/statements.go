package snapshot

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// relation is the statement that creates the view of a table of m over files.
// Columns are listed one by one, so that the view does not change with the files.
// Files of an older program may lack some, which are null then, or what older says.
func relation(t transform.Table, m lake.Manifest, files string) string {
	if lacksDays(t, m) {
		return computedDays(t)
	}
	from := fmt.Sprintf("read_parquet(%s, hive_partitioning = false)", files)
	column := func(c transform.Column) string { return identifier(c.Name) }
	if m.Version(t.Name) < t.Version {
		from = fmt.Sprintf("(\n    from read_parquet(%s, hive_partitioning = false, union_by_name = true)\n    union all by name\n    %s\n) as held", files, noRows(t))
		column = func(c transform.Column) string {
			if told := older[t.Name][c.Name]; told != "" {
				return fmt.Sprintf("coalesce(%s, %s) as %[1]s", identifier(c.Name), told)
			}
			return identifier(c.Name)
		}
	}
	return fmt.Sprintf("create or replace view %s as\nselect\n    %s,\nfrom %s;", identifier(t.Name), selected(t, column), from)
}

// temporary is the statement of a relation for one connection alone, which finds it before
// the one that all have.
func temporary(relation string) string {
	return strings.Replace(relation, "create or replace view", "create or replace temporary view", 1)
}

// older says, by table and column, what stands for null in rows of a program that did
// not know the column. It may read the tables of the study.
var older = map[string]map[string]string{
	"windows": {"window_name": `"window"`},
	"audit":   {"made_at": `"at"`},
	"glucose": {"excluded": `case
        when exists (
            from exclusions e
            where e.participant_id = held.participant_id
                and held.local_time >= e.from_local
                and held.local_time < e.to_local
        ) then 'exclusion'
        else ` + withoutValue + `
    end`},
}

// withoutValue is glucose.excluded of a reading that no exclusion leaves out.
const withoutValue = `case
        when glucose_source = 'implausible' then 'implausible'
        when glucose_mgdl is null then 'no_value'
    end`

// daysTable is the table that snapshots of older programs lack: it follows from glucose.
const daysTable = "glucose_days"

// lacksDays reports whether t is that table, and not in the files of m.
func lacksDays(t transform.Table, m lake.Manifest) bool { return t.Name == daysTable && !m.KeepsDays() }

// computedDays is the statement for it.
func computedDays(t transform.Table) string {
	columns := selected(t, func(c transform.Column) string {
		return fmt.Sprintf("%s::%s as %[1]s", identifier(c.Name), sqlType(c.Type))
	})
	return fmt.Sprintf("create or replace view %s as\nselect\n    %s,\nfrom (\n%s\n);", identifier(t.Name), columns, sql.GlucoseDays())
}

// createSchema is the statement for the schema of the views that are not for people.
const createSchema = "create schema if not exists " + sql.Internal + ";"

// emptyRelation is the statement for a table without files.
func emptyRelation(t transform.Table) string {
	return fmt.Sprintf("create or replace view %s as\n%s;", identifier(t.Name), noRows(t))
}

// noRows selects the columns of t and no row.
func noRows(t transform.Table) string {
	columns := selected(t, func(c transform.Column) string {
		return fmt.Sprintf("null::%s as %s", sqlType(c.Type), identifier(c.Name))
	})
	return fmt.Sprintf("select\n    %s,\nwhere false", columns)
}

// selected lists the columns of t in a select clause, each as one says.
func selected(t transform.Table, one func(transform.Column) string) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = one(c)
	}
	return strings.Join(columns, ",\n    ")
}

// pattern matches the files of a table, from the folder of a snapshot.
func pattern(t transform.Table) string {
	if t.Time != "" {
		return text(t.Name + "/*/*.parquet")
	}
	return text(t.Name + "/*.parquet")
}

// folderMacro is the statement that says where the files of a database are: in folder,
// which ends with a separator and may have any name.
func folderMacro(folder string) string {
	return "create or replace macro snapshot_folder() as " + text(noPattern(folder)) + ";"
}

// inFolder is pattern for the views of a database with a [folderMacro].
func inFolder(t transform.Table) string { return "snapshot_folder() || " + pattern(t) }

// fileList lists files that exist. DuckDB tries a name as it stands before it
// takes it for a pattern, and allows only the very names that were allowed.
func fileList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = text(name)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// comments are the statements that describe tables and views.
func comments() []string {
	var all []string
	for _, t := range tables() {
		all = append(all, tableComments(t)...)
	}
	for _, v := range sql.Views() {
		all = append(all, viewComments(v)...)
	}
	return all
}

func tableComments(t transform.Table) []string {
	all := []string{commentOn("view", identifier(t.Name), t.Comment)}
	for _, c := range t.Columns {
		all = append(all, commentOn("column", identifier(t.Name)+"."+identifier(c.Name), c.Comment))
	}
	return all
}

func viewComments(v sql.View) []string {
	all := []string{commentOn("view", qualified(v.Name), v.Comment)}
	for _, c := range v.Columns {
		all = append(all, commentOn("column", qualified(v.Name)+"."+identifier(c.Name), c.Comment))
	}
	return all
}

func commentOn(what, name, comment string) string {
	return fmt.Sprintf("comment on %s %s is %s;", what, name, text(comment))
}

// viewsScript is the content of views.sql of snapshot m, with some damage and these views.
func viewsScript(m lake.Manifest, d damage, views []sql.View) []byte {
	var b bytes.Buffer
	b.WriteString("-- The tables and views of this snapshot, for DuckDB. The paths are relative: run it\n" +
		"-- in the folder it stands in, wherever that has been moved to.\n" +
		"--\n" +
		"--     cd lake/latest && duckdb -init views.sql\n\n")
	for _, t := range tables() {
		fmt.Fprintf(&b, "-- %s: %s\n%s\n\n", t.Name, t.Comment, d.relation(t, m, pattern(t)))
	}
	b.WriteString(createSchema + "\n\n")
	for _, v := range views {
		fmt.Fprintf(&b, "%s\n%s\n\n", strings.TrimSpace(v.Header), strings.TrimSpace(v.Body))
	}
	if d.of(spansTable) != nil {
		b.WriteString(sql.NoSpans() + "\n\n")
	}
	b.WriteString(strings.Join(comments(), "\n") + "\n")
	return b.Bytes()
}

// sqlType is DuckDB's name for a column's type.
func sqlType(t arrow.DataType) string {
	if list, ok := t.(*arrow.ListType); ok {
		return sqlType(list.Elem()) + "[]"
	}
	names := map[arrow.Type]string{
		arrow.STRING: "varchar", arrow.TIMESTAMP: "timestamp", arrow.DATE32: "date", arrow.BOOL: "boolean",
		arrow.INT16: "smallint", arrow.INT32: "integer", arrow.INT64: "bigint", arrow.FLOAT64: "double",
	}
	return names[t.ID()]
}

// identifier quotes a name.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// qualified quotes a name that may have a schema before it.
func qualified(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = identifier(part)
	}
	return strings.Join(parts, ".")
}

// text quotes a string.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// noPattern makes the characters of a path that DuckDB would take as a pattern
// stand for themselves.
func noPattern(name string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(name)
}
