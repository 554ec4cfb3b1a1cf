package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func atof(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func timeOf(table string) string {
	if table == "glucose" {
		return "time_utc"
	}
	return "system_time"
}

// presentRows selects the present rows of a table without what depends on when
// and through which connection they were fetched. Of those of whom a part alone is
// compared, clock_suspect depends on what is held beside it: see checkSuspectClocks.
func (b *bench) presentRows(table string) string {
	part := strings.Join(slices.Sorted(maps.Keys(b.only)), "', '")
	statement := "select * replace (case when participant_id not in ('" + part + "') then clock_suspect end as clock_suspect) from glucose where true"
	if table != "glucose" {
		statement = "select * exclude (connection_id, request_id, first_seen_at, vanished_at) from " + table + " where vanished_at is null"
	}
	for _, id := range slices.Sorted(maps.Keys(b.only)) {
		w, at := b.only[id], timeOf(table)
		statement += fmt.Sprintf(" and (participant_id <> '%s' or %s >= '%s' and %s < '%s')", id, at, w.Start.Format(time.DateTime), at, w.End.Format(time.DateTime))
	}
	return statement
}

// plain reads the published files with nothing but DuckDB, as anybody can: to
// make all views for every question would take most of a test's time. It returns
// the rows of a statement as text, columns separated by |.
func (b *bench) plain(statement string) (rows []string) {
	b.t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, table := range []string{"egvs", "events", "calibrations", "alerts", "glucose", "changes", "requests", "vanish_pending"} {
		if _, err := db.Exec(fmt.Sprintf("create view %s as from read_parquet('%s', hive_partitioning = false)",
			table, filepath.Join(b.dir, "lake/latest", table, "**/*.parquet"))); err != nil {
			b.t.Fatal(err)
		}
	}
	found, err := db.Query("select columns(*)::varchar from (" + statement + ")")
	if err != nil {
		b.t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	for found.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			b.t.Fatal(err)
		}
		row := values[0].String
		for _, v := range values[1:] {
			row += "|" + v.String
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		b.t.Fatal(err)
	}
	return rows
}

// recordTables are the tables in which lakes are compared.
func recordTables() []string { return []string{"egvs", "events", "calibrations", "alerts", "glucose"} }

// digests sum the present rows of each table, participant and month up: lakes of
// a million rows are compared by some lines.
func (b *bench) digests() []string {
	b.t.Helper()
	var parts []string
	for _, table := range recordTables() {
		parts = append(parts, fmt.Sprintf("select '%s' t, participant_id p, strftime(%s, '%%Y-%%m') m, count(*)::varchar n, sum(hash(r)::hugeint)::varchar h from (%s) r group by all",
			table, timeOf(table), b.presentRows(table)))
	}
	return b.plain(strings.Join(parts, " union all ") + " order by all")
}

// rows are the present rows of a participant's month in a table.
func (b *bench) rows(table, participant, month string) []string {
	b.t.Helper()
	return b.plain(fmt.Sprintf("select r::varchar t from (%s) r where participant_id = '%s' and strftime(%s, '%%Y-%%m') = '%s' order by 1",
		b.presentRows(table), participant, timeOf(table), month))
}

// unlike are the lines of only one of two sorted lists; those of the second
// have a - in front.
func unlike(a, b []string) (only []string) {
	for _, line := range a {
		if _, both := slices.BinarySearch(b, line); !both {
			only = append(only, line)
		}
	}
	for _, line := range b {
		if _, both := slices.BinarySearch(a, line); !both {
			only = append(only, "- "+line)
		}
	}
	return only
}

// notes are the present free texts, which no view shows, of those whose rows are
// compared whole.
func (b *bench) notes() (notes []string) {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	for _, f := range m.TableFiles("event_notes") {
		for batch, err := range l.Read(context.Background(), f, lake.ReadOptions{}) {
			if err != nil {
				b.t.Fatal(err)
			}
			column := func(name string) int { return batch.Schema().FieldIndices(name)[0] }
			ids, texts := transform.TextOf(batch.Column(column("record_id"))), transform.TextOf(batch.Column(column("note")))
			people := transform.TextOf(batch.Column(column("participant_id")))
			for row := range ids.Len() {
				if _, part := b.only[people.Value(row)]; !part && batch.Column(column("vanished_at")).IsNull(row) {
					notes = append(notes, ids.Value(row)+" "+strings.Clone(texts.Value(row)))
				}
			}
			batch.Release()
		}
	}
	slices.Sort(notes)
	return notes
}
