//go:build linux || darwin

package export

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/transform"
)

// A piece is a text that somebody finds in an export, however it is packed.
type piece struct{ where, text string }

// pieces are everything in an export: names, bytes, values, comments, statistics, metadata.
func pieces(t testing.TB, path string) (all []piece) {
	t.Helper()
	add := func(where, text string) { all = append(all, piece{where, text}) }
	check(t, filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(path, at)
		add("name", name)
		if entry.IsDir() {
			return nil
		}
		content, err := os.ReadFile(at)
		add(name, string(content))
		values := func(table, column, value string) { add(name+" "+table+"."+column, value) }
		switch filepath.Ext(name) {
		case ".parquet":
			readParquet(t, at, "", values)
			readFooter(t, at, func(what, text string) { add(name+" "+what, text) })
		case ".csv":
			readCSV(t, at, "", values)
		case ".duckdb":
			readDatabase(t, at, values)
		}
		return err
	}))
	return all
}

// readFooter reads what a Parquet file says of itself.
func readFooter(t testing.TB, path string, add func(what, text string)) {
	t.Helper()
	p, err := file.OpenParquetFile(path, false)
	check(t, err)
	defer p.Close()
	meta := p.MetaData()
	add("footer", fmt.Sprint(meta.FileMetaData.String(), meta.GetCreatedBy(), meta.KeyValueMetadata()))
	for i := range meta.Schema.NumColumns() {
		add("schema", meta.Schema.Column(i).Path())
	}
	for g := range p.NumRowGroups() {
		group := meta.RowGroup(g)
		for i := range group.NumColumns() {
			chunk, err := group.ColumnChunk(i)
			check(t, err)
			stats, err := chunk.Statistics()
			check(t, err)
			if stats != nil && stats.HasMinMax() {
				add("statistics", string(stats.EncodeMin())+" "+string(stats.EncodeMax()))
			}
		}
	}
}

// readDatabase reads all tables of a database, what it says of them, and how they are stored.
func readDatabase(t testing.TB, path string, add func(table, column, value string)) {
	t.Helper()
	db, err := sql.Open("duckdb", path+"?access_mode=read_only")
	check(t, err)
	defer db.Close()
	read := func(what, statement string) (first []string) {
		rows, err := db.QueryContext(t.Context(), statement)
		check(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		check(t, err)
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			check(t, rows.Scan(into...))
			first = append(first, values[0].String)
			for i, v := range values {
				add(what, names[i], v.String)
			}
		}
		check(t, rows.Err())
		return first
	}
	for _, of := range []string{"tables", "columns", "schemas", "constraints", "indexes", "sequences"} {
		read("duckdb_"+of, "select columns(* exclude (database_name))::varchar from duckdb_"+of+"() where database_name = current_database()")
	}
	read("duckdb_views", "select sql from duckdb_views() where database_name = current_database() and not internal")
	for _, table := range read("tables", "select table_name from duckdb_tables() where database_name = current_database()") {
		read(table, "select columns(*)::varchar from "+quoted(table))
		read("storage of "+table, "select column_name, stats, segment_info from pragma_storage_info("+text(table)+")")
	}
}

// canaries find what must not be in a de-identified export of the study of these tests:
// every text of it says canary, or is one of these.
var canaries = regexp.MustCompile(`canary|(?i:alpha-study)|transmitter-of|Europe|Berlin|tester|/tmp/|/home/|Test[A-Z]\w+/`)

// anyDate is one as people or programs write it.
var anyDate = regexp.MustCompile(`(?:^|[^\d.])(20\d\d(-[01]\d-[0-3]\d|[01]\d[0-3]\d))(?:$|\D)`)

// realDates are the dates in a text that the study has or had: those of an export are
// earlier by a week or more.
func realDates(text string) (all []string) {
	for _, m := range anyDate.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(m[1], "-", "") >= firstDay.AddDate(0, 0, -1).Format("20060102") {
			all = append(all, m[1])
		}
	}
	return all
}

// isRealNumber reports whether a text counts seconds, or parts of them, up to such a date.
func isRealNumber(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	for _, unit := range []int64{1e3, 1e6, 1e9} {
		if s := n / (1e9 / unit); firstDay.AddDate(0, 0, -1).Unix() < s && s < firstDay.AddDate(1, 0, 0).Unix() {
			return true
		}
	}
	return false
}

// No text of the study, no id, no date is in a de-identified export, in whatever form it is
// and whatever was chosen; and of what it has every column was looked at.
func TestDeidHasNoCanary(t *testing.T) {
	for _, format := range []Format{DuckDB, Parquet, CSV} {
		for _, weeks := range []int{52, 0} {
			t.Run(fmt.Sprint(format, weeks), func(t *testing.T) {
				s := newStudy(t, forEverybody(t))
				o := order(t, s, format)
				o.Deid, o.ShiftWeeks = true, weeks
				if o.Tables = few(); format == DuckDB && weeks > 0 { // all views take long
					o.Tables = leaving()
				}
				checkNothingReal(t, o)
			})
		}
	}
}

func checkNothingReal(t *testing.T, o Order) {
	t.Helper()
	done := run(t, o)
	all := pieces(t, o.Path)
	for _, p := range all {
		if found := canaries.FindString(p.text); found != "" {
			t.Errorf("%s: %q is in %.80q", p.where, found, p.text)
		}
		if o.ShiftWeeks == 0 {
			continue
		}
		if dates := realDates(p.text); dates != nil {
			t.Errorf("%s: %v are dates of the study, in %.80q", p.where, dates, p.text)
		}
		if isRealNumber(p.text) {
			t.Errorf("%s: %s is a time of the study", p.where, p.text)
		}
	}
	seen := map[string]int{}
	for _, p := range all {
		seen[p.where]++
	}
	for _, w := range done.Tables {
		r := named(w.Table)
		for _, c := range (cut{deid: true}).shown(r).Columns {
			where := w.File + " ." + c.Name
			if o.Format == DuckDB {
				where = w.File + " " + w.Table + "." + c.Name
			}
			if w.Rows > 0 && seen[where] < int(w.Rows) {
				t.Errorf("%s has %d values, of which the test saw %d", where, w.Rows, seen[where])
			}
		}
	}
}

// leaving are all tables that a de-identified export may have, but for what the study of
// these tests lacks.
func leaving() (names []string) {
	for _, r := range relations() {
		if r.mayLeave() && r.Name != "episodes" {
			names = append(names, r.Name)
		}
	}
	return names
}

func named(table string) (r relation) {
	for _, one := range relations() {
		if one.Name == table {
			r = one
		}
	}
	return r
}

// What the tests would find in an export that is not de-identified: else they have lost
// sight of it.
func TestPlainExportHasCanaries(t *testing.T) {
	s := newStudy(t)
	for _, format := range []Format{DuckDB, Parquet, CSV} {
		o := order(t, s, format)
		o.Notes, o.Tables, o.Path = true, few(), filepath.Join(t.TempDir(), "out")
		run(t, o)
		found, dates := map[string]bool{}, 0
		for _, p := range pieces(t, o.Path) {
			for _, one := range regexp.MustCompile(`canary:\w+|transmitter-of|Europe|ALPHA-STUDY`).FindAllString(p.text, -1) {
				found[one] = true
			}
			dates += len(realDates(p.text))
		}
		for _, name := range few() {
			table, _ := transform.TableNamed(name)
			for _, c := range table.Columns {
				if rule := named(name).decided()[c.Name]; rule.fate == drop && table.Values[c.Name] == nil && c.Type.ID().String() == "STRING" && !found["canary:"+c.Name] && c.Name != "timezone" {
					t.Errorf("%s: no canary of %s.%s", format, name, c.Name)
				}
			}
		}
		if dates < 100 || !found["Europe"] || !found["transmitter-of"] || !found["ALPHA-STUDY"] {
			t.Errorf("%s: %d dates, found %v", format, dates, found)
		}
	}
}
