//go:build linux || darwin

package export

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dexetl/dexetl/extract/durable"
)

// A staging is a folder in which an export is written, beside where it is to be: it gets
// its name when it is whole. What a crash left of one, the next export to there empties.
type staging struct {
	path      string // of the export
	overwrite bool
	dir       string // what is written
	lock      *os.File
}

// An ExistsError says that something stands where an export is to be.
type ExistsError struct {
	Path string
	Ours bool // it is an export, which another one may replace
}

func (e *ExistsError) Error() string {
	if e.Ours {
		return e.Path + " is there already"
	}
	return e.Path + " is there already, and is no export"
}

// An InUseError says that another process exports to the same path.
type InUseError struct{ Path string }

func (e *InUseError) Error() string { return "another process exports to " + e.Path }

// stage begins an export to path.
func stage(path string, overwrite bool) (*staging, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkFree(path, overwrite); err != nil {
		return nil, err
	}
	s := &staging{path: path, overwrite: overwrite, dir: beside(path, "partial")}
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if s.lock, err = os.OpenFile(s.dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if err := durable.Lock(s.lock, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &InUseError{path}
		}
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.empty(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// beside is a hidden name in the same folder.
func beside(path, what string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+what)
}

// empty removes what is in the folder.
func (s *staging) empty() error {
	left, err := os.ReadDir(s.dir)
	for _, entry := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, entry.Name())))
	}
	return err
}

// checkFree refuses a path where something stands that is not to be replaced.
func checkFree(path string, overwrite bool) error {
	ours, err := isExport(path)
	if err == nil && ours != nil && !(*ours && overwrite) {
		err = &ExistsError{path, *ours}
	}
	return err
}

// isExport reports whether what stands at path is an export; nil: nothing stands there.
func isExport(path string) (*bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ours := false
	switch {
	case info.IsDir():
		ours = hasReport(path)
	case info.Mode().IsRegular():
		if ours, err = isDuckDB(path); ours {
			ours = hasDocuments(path)
		}
	}
	return &ours, err
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

// discard removes what was written.
func (s *staging) discard() error {
	return errors.Join(os.RemoveAll(s.dir), s.lock.Close())
}

// publish makes what was written durable and gives it its name: the folder, or only the
// file in it that is named.
func (s *staging) publish(file string) (err error) {
	if err := s.settle(); err != nil {
		return err
	}
	from := s.dir
	if file != "" {
		from = filepath.Join(s.dir, file)
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	if err := s.rename(from); err != nil {
		return err
	}
	return errors.Join(durable.SyncFolder(filepath.Dir(s.path)), s.lock.Close())
}

// rename puts from in the place of what is at the path. A folder cannot be replaced in one
// step: a crash between the two leaves the former one under a hidden name.
func (s *staging) rename(from string) error {
	if err := checkFree(s.path, s.overwrite); err != nil { // it may have come meanwhile
		return err
	}
	former := beside(s.path, "former")
	if _, err := os.Lstat(s.path); err == nil { // else it is all that is left
		if err := os.RemoveAll(former); err != nil {
			return err
		}
	}
	moved := os.Rename(s.path, former)
	if moved != nil && !errors.Is(moved, fs.ErrNotExist) {
		return moved
	}
	if moved == nil && !s.overwrite { // somebody put it there meanwhile
		return errors.Join(&ExistsError{Path: s.path}, os.Rename(former, s.path))
	}
	if err := os.Rename(from, s.path); err != nil {
		if moved == nil {
			err = errors.Join(err, os.Rename(former, s.path))
		}
		return err
	}
	return os.RemoveAll(former)
}

// settle makes all files durable, and readable to this account alone: who else may read
// it is for whoever hands it over.
func (s *staging) settle() error {
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return durable.SyncFolder(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.dir, err)
	}
	return nil
}
