//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// Limits bound what a DuckDB session uses.
type Limits struct {
	Memory  string // in DuckDB's notation; empty: 2GB
	Threads int    // 0: one per processor
	Spill   *Spill // for what does not fit, closed with the session; nil: one of its own
}

func (o Limits) statements() []string {
	if o.Memory == "" {
		o.Memory = "2GB"
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return []string{
		"set memory_limit = " + text(o.Memory),
		"set threads = " + strconv.Itoa(o.Threads),
		"set autoinstall_known_extensions = false",
		"set autoload_known_extensions = false",
		"set temp_directory = ''",     // a session sets its own
		"set global TimeZone = 'UTC'", // without global it would be this connection's only
	}
}

// A viewColumn is a column of a view as DuckDB sees it.
type viewColumn struct{ view, name, kind, comment string }

// writeDatabase makes the database of views and returns the columns of the
// views that are not tables. DuckDB writes it under a temporary name in the
// folder to which its views point.
func (p *publisher) writeDatabase(ctx context.Context) ([]viewColumn, error) {
	columns, err := p.buildDatabase(ctx)
	if err == nil {
		return columns, nil
	}
	// DuckDB looks into files, and does not say which one is damaged.
	found, e := p.damage.look(ctx, p.manifest, shown, p.lake.Check)
	if e != nil || !found {
		return nil, errors.Join(err, e)
	}
	if err := p.linkMissing(); err != nil {
		return nil, err
	}
	return p.buildDatabase(ctx)
}

func (p *publisher) buildDatabase(ctx context.Context) ([]viewColumn, error) {
	temporary := path.Join(p.folder, "."+databaseName)
	for _, name := range []string{temporary, temporary + ".wal"} {
		if err := p.root.RemoveAll(name); err != nil {
			return nil, err
		}
	}
	file, err := absolute(p.lake, temporary)
	if err != nil {
		return nil, err
	}
	columns, err := p.createViews(ctx, file, filepath.Dir(file)+string(filepath.Separator))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", databaseName, err)
	}
	info, err := p.root.Stat(temporary)
	if err != nil {
		return nil, err
	}
	if err := p.root.Chmod(temporary, info.Mode().Perm()&publishedMode); err != nil {
		return nil, err
	}
	return columns, p.root.Rename(temporary, path.Join(p.folder, databaseName))
}

// createViews creates a database in file with views over the files of folder.
func (p *publisher) createViews(ctx context.Context, file, folder string) (columns []viewColumn, err error) {
	connector, err := duckdb.NewConnector(file, nil)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	statements := append(Limits{}.statements(), "begin") // else every statement waits for the disk
	for _, t := range tables() {
		statements = append(statements, p.damage.relation(t, p.manifest, pattern(folder, t)))
	}
	statements = append(statements, views.Create(views.Views())...)
	statements = append(statements, strings.Join(comments(), "\n"), "commit")
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return nil, err
		}
	}
	return viewColumns(ctx, db)
}

// viewColumns returns the columns of all views but the tables, view by view.
func viewColumns(ctx context.Context, db *sql.DB) (columns []viewColumn, err error) {
	rows, err := db.QueryContext(ctx, `select table_name, column_name, lower(data_type), coalesce(comment, '')
		from duckdb_columns() where not internal order by column_index`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	of := map[string][]viewColumn{}
	for rows.Next() {
		var c viewColumn
		if err := rows.Scan(&c.view, &c.name, &c.kind, &c.comment); err != nil {
			return nil, err
		}
		of[c.view] = append(of[c.view], c)
	}
	for _, v := range views.Views() {
		columns = append(columns, of[v.Name]...)
	}
	return columns, rows.Err()
}

// writeCodebook lists the columns of all tables, the hidden one included, and
// of the views, which may be null wherever they say so.
func writeCodebook(to io.Writer, columns []viewColumn) error {
	w := csv.NewWriter(to)
	w.Write([]string{"table", "column", "type", "nullable", "comment"})
	for _, t := range transform.Tables() {
		for _, c := range t.Columns {
			w.Write([]string{t.Name, c.Name, sqlType(c.Type), strconv.FormatBool(c.Nullable), c.Comment})
		}
	}
	for _, c := range columns {
		w.Write([]string{c.view, c.name, c.kind, "", c.comment})
	}
	w.Flush()
	return w.Error()
}

// absolute returns the absolute path of a name in the lake.
func absolute(l *lake.Lake, name string) (string, error) {
	root, err := filepath.Abs(l.Path())
	return filepath.Join(root, filepath.FromSlash(name)), err
}
