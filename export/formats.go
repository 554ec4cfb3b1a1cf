//go:build linux || darwin

package export

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// A writer says by which statements DuckDB writes tables in a format.
type writer interface {
	begin() []string
	table(name, query string) string
	end([]transform.Table) []string // when the papers are there
	file(name string) string        // in which a table is
}

func (w *work) writer() writer {
	if w.Format == DuckDB {
		return database{w.staging.Dir}
	}
	return files{w.staging.Dir, w.Format}
}

// writeTable writes the rows of a relation, and returns how many they are.
func (w *work) writeTable(ctx context.Context, out writer, r relation) (rows int64, err error) {
	done, err := w.db.ExecContext(ctx, out.table(r.Name, w.cut.query(r)))
	if err != nil {
		return 0, err
	}
	if w.Format == DuckDB { // it does not say for a table
		return rows, w.db.QueryRowContext(ctx, "select count(*) from "+target+"."+quoted(r.Name)).Scan(&rows)
	}
	return done.RowsAffected()
}

// files are one for each table.
type files struct {
	dir    string
	format Format
}

func (f files) begin() []string                { return nil }
func (f files) end([]transform.Table) []string { return nil }

func (f files) file(name string) string { return name + "." + string(f.format) }

func (f files) table(name, query string) string {
	options := "format csv, header true"
	if f.format == Parquet {
		options = "format parquet, compression zstd"
	}
	return "copy (" + query + ") to " + text(filepath.Join(f.dir, f.file(name))) + " (" + options + ")"
}

// databaseName is the file of an export as a database.
const databaseName = "study.duckdb"

// documentsTable has the papers of an export. No other database has one.
const documentsTable = "export_documents"

// target is what DuckDB calls the database while it is written.
const target = "exported"

// A database has all tables, and what the folder has beside them.
type database struct{ dir string }

func (d database) begin() []string {
	return []string{"attach " + text(filepath.Join(d.dir, databaseName)) + " as " + target}
}

func (d database) file(string) string { return databaseName }

func (d database) table(name, query string) string {
	return "create table " + target + "." + quoted(name) + " as " + query
}

// end describes the tables, and adds those that tell of the export: what lies beside the
// database, for whoever gets nothing else.
func (d database) end(tables []transform.Table) []string {
	in := func(name string) string { return text(filepath.Join(d.dir, name)) }
	documents := []string{in(readmeName), in(citationName), in(reportName)}
	for _, t := range tables { // by name: the folder's may have what a pattern has
		documents = append(documents, in(schemasFolder+"/"+t.Name+".json"))
	}
	return append(snapshot.Comments(target+".main", tables),
		"create table "+target+".codebook as from read_csv("+in(codebookName)+", header = true, all_varchar = true)",
		"comment on table "+target+".codebook is 'one row per table, and per column of each: what it means'",
		"create table "+target+"."+documentsTable+" as select replace(filename, "+in("")+" || '/', '') as document, content from read_text(["+
			strings.Join(documents, ", ")+"])",
		"comment on table "+target+"."+documentsTable+" is 'what the export is, and a schema of the rows of each table'",
		"detach "+target)
}
