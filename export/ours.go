//go:build linux || darwin

package export

import (
	"database/sql"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// isExport reports whether what stands at path is an export.
func isExport(path string, info fs.FileInfo) (ours bool, err error) {
	switch {
	case info.IsDir():
		ours = hasReport(path)
	case info.Mode().IsRegular():
		if ours, err = isDuckDB(path); ours {
			ours = hasDocuments(path)
		}
	}
	return ours, err
}

// hasReport reports whether a folder has the report of an export, of whatever version.
func hasReport(dir string) bool {
	content, err := os.ReadFile(filepath.Join(dir, reportName))
	var report struct{ Schema string }
	return err == nil && json.Unmarshal(content, &report) == nil && strings.HasPrefix(report.Schema, exportSchema)
}

// exportSchema begins the name of the schema of reports.
const exportSchema = "dexetl.export/"

// hasDocuments reports whether a database is of an export. One that cannot be opened, for
// somebody writes to it, is not.
func hasDocuments(path string) bool {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return false
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("attach " + text(path) + " as held (type duckdb, read_only)"); err != nil {
		return false
	}
	var is bool
	err = db.QueryRow("select exists (from duckdb_tables() where database_name = 'held' and table_name = '" + documentsTable + "')").Scan(&is)
	return err == nil && is
}

// isDuckDB reports whether a file is a database of DuckDB, by its first bytes.
func isDuckDB(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 12)
	n, _ := f.ReadAt(begin, 0)
	return n == len(begin) && string(begin[8:]) == "DUCK", nil
}
