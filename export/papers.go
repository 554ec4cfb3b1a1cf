//go:build linux || darwin

package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/transform"
)

// What an export has beside its tables.
const (
	readmeName    = "README.md"
	citationName  = "CITATION.txt"
	codebookName  = "codebook.csv"
	schemasFolder = "schemas"
	reportName    = "export.json"
	sumsName      = "SHA256SUMS"
)

// described are the tables of an export with the columns that it has.
func (w *work) described() (tables []transform.Table) {
	for _, r := range w.chosen {
		tables = append(tables, w.cut.shown(r).Table)
	}
	return tables
}

// writePapers writes what explains the tables.
func (w *work) writePapers(done Result) error {
	tables := w.described()
	var report strings.Builder
	if err := table.WriteJSON(&report, schemas.Export().Schema(), schemas.Export().Object(done.Values()...)); err != nil {
		return err
	}
	papers := map[string]string{
		readmeName: w.readme(done), citationName: done.Citation + "\n",
		codebookName: string(snapshot.Codebook(tables)), reportName: report.String(),
	}
	for _, t := range tables {
		schema, err := schemas.TableSchema(t)
		if err != nil {
			return err
		}
		papers[schemasFolder+"/"+t.Name+".json"] = string(schema)
	}
	if err := os.MkdirAll(filepath.Join(w.staging.Dir, schemasFolder), 0o700); err != nil {
		return err
	}
	for name, content := range papers {
		if err := os.WriteFile(filepath.Join(w.staging.Dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// sum writes the sums of all files, as sha256sum -c reads them.
func sum(dir string) error {
	var sums strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		sum, err := sumOf(path)
		name, e := filepath.Rel(dir, path)
		fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.ToSlash(name))
		return errors.Join(err, e)
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sumsName), []byte(sums.String()), 0o600)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, bufio.NewReaderSize(f, 1<<20))
	return hex.EncodeToString(h.Sum(nil)), err
}
