//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	_ "embed" // template.duckdb
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// template is the database of any snapshot whose files are sound and of this program's
// versions: all tables and views, bound and described, which takes DuckDB half a
// second. All that differs from one to the next is the macro [folderMacro]. A test
// writes it.
//
//go:embed template.duckdb
var template []byte

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
		"set temp_directory = ''",                  // a session sets its own
		"set global TimeZone = 'UTC'",              // without global it would be this connection's only
		"set global parquet_metadata_cache = true", // a query reads the same files in several places
	}
}

// writeDatabase makes the database of views.
func (p *publisher) writeDatabase(ctx context.Context) error {
	err := p.buildDatabase(ctx)
	if err == nil {
		return nil
	}
	// DuckDB looks into files, and does not say which one is damaged.
	found, e := p.damage.look(ctx, p.manifest, shown, p.lake.Check)
	if e != nil || !found {
		return errors.Join(err, e)
	}
	if err := p.linkMissing(); err != nil {
		return err
	}
	return p.buildDatabase(ctx)
}

// buildDatabase copies the template under a temporary name, and lets DuckDB change it.
func (p *publisher) buildDatabase(ctx context.Context) error {
	temporary := path.Join(p.folder, "."+databaseName)
	for _, name := range []string{temporary, temporary + ".wal"} {
		if err := p.root.RemoveAll(name); err != nil {
			return err
		}
	}
	if err := p.root.WriteFile(temporary, template, publishedMode|0o200); err != nil {
		return err
	}
	file, err := absolute(p.lake, temporary)
	if err != nil {
		return err
	}
	if err := execute(ctx, file, p.differences(filepath.Dir(file)+string(filepath.Separator))); err != nil {
		return fmt.Errorf("%s: %w", databaseName, err)
	}
	info, err := p.root.Stat(temporary)
	if err != nil {
		return err
	}
	if err := p.root.Chmod(temporary, info.Mode().Perm()&publishedMode); err != nil {
		return err
	}
	return p.root.Rename(temporary, path.Join(p.folder, databaseName))
}

// differences are the statements that make the template the database of this snapshot,
// with its files in folder. They fail if DuckDB cannot read the first file of a table,
// to which it looks for the columns.
func (p *publisher) differences(folder string) []string {
	statements := []string{folderMacro(folder)}
	var first []string
	for _, t := range tables() {
		files := p.manifest.TableFiles(t.Name)
		harm := p.damage.of(t.Name)
		if harm != nil || p.manifest.Version(t.Name) < t.Version || lacksDays(t, p.manifest) {
			statements = append(statements, p.damage.relation(t, p.manifest, inFolder(t)))
			statements = append(statements, tableComments(t)...)
		}
		if harm == nil && len(files) > 0 {
			first = append(first, filepath.Join(folder, linkName(files[0])))
		}
	}
	if p.damage.of(spansTable) != nil {
		statements = append(statements, views.NoSpans())
	}
	if !p.keepsDays() {
		days := daysView()
		statements = append(append(statements, days.Body), viewComments(days)...)
	}
	if len(first) > 0 {
		statements = append(statements, "select count(*) from parquet_file_metadata("+fileList(first)+")")
	}
	return statements
}

// execute runs statements in the database in file, all or none.
func execute(ctx context.Context, file string, statements []string) (err error) {
	connector, err := duckdb.NewConnector("?threads=1", nil)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	// As a data source the file's name would be taken for a URL.
	before := []string{"attach " + text(file) + " as snapshot", "use snapshot", "begin"}
	for _, s := range slices.Concat(before, statements, []string{"commit", "use memory", "detach snapshot"}) {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// absolute returns the absolute path of a name in the lake.
func absolute(l *lake.Lake, name string) (string, error) {
	root, err := filepath.Abs(l.Path())
	return filepath.Join(root, filepath.FromSlash(name)), err
}
