//go:build linux || darwin

package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// isSame holds an export against the one that is not de-identified: each of its rows is one
// of those with another name and, if they are moved, with all its times so many weeks
// earlier, and nothing else of it is different. If it is whole, it has all rows but those
// that docs/export.md names.
func (d *deidentified) isSame(path string, moved, whole bool) {
	d.t.Helper()
	db := d.open(path)
	defer db.Close()
	compared := 0
	for _, table := range d.tables(d.plain) {
		if table == "windows" || !whole && (table == "participant_metrics" || table == "consensus_metrics") {
			continue // a window for everybody becomes one of each, and these metrics are of the dates of the export
		}
		columns, rows := d.shown(db, table)
		if columns == nil {
			continue
		}
		want := map[string]int{}
		for _, row := range d.rows(d.plain, table) {
			if isThere(table, row) {
				want[d.expected(table, columns, row, moved)]++
			}
		}
		for i, row := range rows {
			line := blanked(table, columns, row, moved)
			if want[line]--; want[line] < 0 {
				d.t.Errorf("%s: row %d of %s is none of the study's with another name and time:\n%s\nbut there is\n%s", filepath.Base(path), i, table, line, likest(want, line))
				break
			}
			compared++
			if i > 0 && columns[0] == "participant_id" && row[0] < rows[i-1][0] {
				d.t.Errorf("%s: rows of %s are not sorted by the names that it has", filepath.Base(path), table)
				break
			}
		}
		for line, n := range want {
			if whole && n > 0 && table != "daily_metrics" && table != "completeness" {
				d.t.Errorf("%s: %s lacks\n%s", filepath.Base(path), table, line)
				break
			}
		}
	}
	if compared < 1000 {
		d.t.Errorf("%s: %d rows were compared", path, compared)
	}
	d.joins(db, whole)
}

// likest is another row of the participant and time, for whoever reads of a difference.
func likest(want map[string]int, line string) (found string) {
	for other, n := range want {
		if n > 0 && strings.HasPrefix(other, line[:min(len(line), 34)]) {
			found = other
		}
	}
	return found
}

// open has the tables of an export, of whatever format, as CSV would have them.
func (d *deidentified) open(path string) *sql.DB {
	d.t.Helper()
	db, err := sql.Open("duckdb", "")
	check(d.t, err)
	db.SetMaxOpenConns(1)
	do := func(statement string) {
		_, err := db.ExecContext(d.t.Context(), statement)
		check(d.t, err)
	}
	for _, table := range d.tables(path) {
		from := "read_csv('" + filepath.Join(path, table+".csv") + "', header = true, all_varchar = true)"
		if found, _ := filepath.Glob(filepath.Join(path, table+".parquet")); found != nil {
			from = "read_parquet('" + found[0] + "')"
		}
		do("create view " + table + " as from " + from)
	}
	if found, _ := filepath.Glob(filepath.Join(path, "study.duckdb")); found != nil {
		do("attach '" + found[0] + "' as held (read_only)")
		do("use held")
	}
	return db
}

// shown are the columns and rows of a table, as text; none if it is not there.
func (d *deidentified) shown(db *sql.DB, table string) (columns []string, all [][]string) {
	d.t.Helper()
	rows, err := db.QueryContext(d.t.Context(), "select columns(*)::varchar from "+table)
	if err != nil {
		return nil, nil
	}
	defer rows.Close()
	columns, err = rows.Columns()
	check(d.t, err)
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		check(d.t, rows.Scan(into...))
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		all = append(all, row)
	}
	check(d.t, rows.Err())
	return columns, all
}

// isThere reports whether an export has a row of the study.
func isThere(table string, row map[string]string) bool {
	if table == "gaps" {
		return row["kind"] != "open" && row["kind"] != "never"
	}
	return row["vanished_at"] == "" && row["valid_to"] == ""
}

var dayOrTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?)?$`)

// expected is a row of the study as an export has it.
func (d *deidentified) expected(table string, columns []string, row map[string]string, moved bool) string {
	values := make([]string, len(columns))
	for i, column := range columns {
		value := row[column]
		switch {
		case column == "participant_id":
			value = d.names[value]
		case column == "event_type" && value == "diary":
			value = "other"
		case moved && dayOrTime.MatchString(value):
			form := time.DateOnly
			if len(value) > len(form) {
				form = "2006-01-02 15:04:05.999999"
			}
			at, err := time.Parse(form, value)
			check(d.t, err)
			value = at.AddDate(0, 0, -7*d.weeks[row["participant_id"]]).Format(form)
		}
		values[i] = value
	}
	return blanked(table, columns, values, moved)
}

// blanked is a row without what other tests are about: codes, and dates that many share.
func blanked(table string, columns, row []string, moved bool) string {
	row = slices.Clone(row)
	for i, column := range columns {
		shared := slices.Contains(strings.Fields("status_date study_start study_end setting_system_time setting_display_time window_start window_end"), column) ||
			table == "participant_metrics" && slices.Contains([]string{"first_date", "last_date"}, column) ||
			table == "window_metrics" && slices.Contains([]string{"first_local", "last_local"}, column)
		if column == "transmitter_id" || column == "window" || column == "window_name" || moved && shared {
			row[i] = ""
		}
		if number, err := strconv.ParseFloat(row[i], 64); err == nil { // a sum has no order
			row[i] = fmt.Sprintf("%.9g", number)
		}
	}
	return strings.Join(row, "|")
}

// joins: what belongs together in the study belongs together in the export, transmitters
// with it.
func (d *deidentified) joins(db *sql.DB, whole bool) {
	d.t.Helper()
	belong := map[string]string{
		"readings without a participant": "from glucose anti join participants using (participant_id)",
		"readings without an EGV":        "from glucose anti join egvs on glucose.participant_id = egvs.participant_id and time_utc = system_time",
		"readings without a day":         "from (from glucose where local_date is not null) anti join daily_metrics using (participant_id, local_date)",
		"sensors without an EGV":         "from sensor_sessions anti join egvs using (participant_id, transmitter_id)",
		"devices of nobody":              "from devices anti join participants using (participant_id)",
		"sensors without a code":         "from sensor_sessions where transmitter_id not like 'T_________'",
	}
	if whole { // else there are metrics of some windows alone
		belong["windows without metrics"] = "from windows anti join window_metrics using (participant_id, window_name)"
	}
	for what, statement := range belong {
		var n int
		check(d.t, db.QueryRowContext(d.t.Context(), "select count(*) "+statement).Scan(&n))
		if n > 0 {
			d.t.Errorf("%d %s", n, what)
		}
	}
	var people, transmitters int
	check(d.t, db.QueryRowContext(d.t.Context(), "select count(distinct participant_id), count(distinct transmitter_id) from glucose").Scan(&people, &transmitters))
	if people < 1 || transmitters < people {
		d.t.Errorf("%s: glucose of %d people with %d transmitters", fmt.Sprint(db), people, transmitters)
	}
}
