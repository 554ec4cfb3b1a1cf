package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/reader"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/transform"
)

// A second, independent Parquet implementation reads every published file and
// sees the rows that DuckDB sees. (make interop asks three more.)
func TestStrangerReadsTheLake(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 5, Days: 7})
	b.must("backfill")
	for _, table := range transform.Tables() {
		if table.Hidden {
			continue
		}
		columns := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			columns[i] = `"` + c.Name + `"`
		}
		var want []string
		for _, row := range b.query("select " + strings.Join(columns, ", ") + " from " + table.Name) {
			want = append(want, strings.Join(row, "|"))
		}
		got := b.strangerRows(table)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: parquet-go sees %d rows, DuckDB %d, and they differ first in\n%s",
				table.Name, len(got), len(want), firstDifference(got, want))
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return got[i] + "\n" + want[i]
		}
	}
	return "(one ends)"
}

// strangerRows reads all published files of a table with parquet-go and
// writes each row as `dexetl query --csv` does.
func (b *bench) strangerRows(table transform.Table) []string {
	b.t.Helper()
	var rows []string
	for _, path := range publishedFiles(b.t, filepath.Join(b.dir, "lake", "latest", table.Name)) {
		file, err := local.NewLocalFileReader(path)
		if err != nil {
			b.t.Fatal(err)
		}
		columns, err := reader.NewParquetColumnReader(file, 1)
		if err != nil {
			b.t.Fatalf("%s: %v", path, err)
		}
		n := columns.GetNumRows()
		part := make([][]string, n)
		for i := range part {
			part[i] = make([]string, len(table.Columns))
		}
		for j, c := range table.Columns {
			values, repeats, _, err := columns.ReadColumnByIndex(int64(j), n)
			if err != nil {
				b.t.Fatalf("%s: column %s: %v", path, c.Name, err)
			}
			i := -1
			for k, v := range values {
				switch {
				case repeats[k] > 0: // one more element of the same list
					part[i][j] = strings.TrimSuffix(part[i][j], "]") + "," + fmt.Sprint(v) + "]"
					continue
				case c.Type.ID() == arrow.LIST && v == nil:
					v = "[]"
				case c.Type.ID() == arrow.LIST:
					v = fmt.Sprintf("[%v]", v)
				}
				i++
				part[i][j] = strangerText(c, v)
			}
		}
		for _, row := range part {
			rows = append(rows, strings.Join(row, "|"))
		}
		columns.ReadStop()
		file.Close()
	}
	return rows
}

// publishedFiles are the Parquet files below a folder of a snapshot.
func publishedFiles(t testing.TB, folder string) []string {
	t.Helper()
	resolved, err := filepath.EvalSymlinks(folder)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(resolved, func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(files), err)
	}
	return files
}

func strangerText(c transform.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		if c.Type.Name() == "timestamp" {
			return time.UnixMicro(v).UTC().Format("2006-01-02 15:04:05.999999")
		}
	case int32:
		if c.Type.Name() == "date32" {
			return time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly)
		}
	case float64:
		return table.Full(v, "")
	}
	return fmt.Sprint(v)
}
