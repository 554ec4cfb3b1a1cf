package snapshot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A series is glucose as a lake has it: columns, types and values.
func TestOpenSeries(t *testing.T) {
	t.Parallel()
	at := func(hour, minute int) int64 { return time.Date(2025, 10, 26, hour, minute, 0, 0, time.UTC).UnixMicro() }
	readings := []SeriesReading{
		{"b 2", at(0, 30), at(2, 30), 61.5, "value", 5},
		{"b 2", at(1, 30), at(2, 30), 5, "implausible", 15},
		{"", at(23, 0), at(24, 0), 0, "", 1},
	}
	db, err := OpenSeries(t.Context(), slices.Values(readings), map[string]string{"metrics.night": "22:00-06:00"}, Limits{Threads: 1})
	if err != nil {
		t.Fatalf("OpenSeries: %v", err)
	}
	got := ask(t, db, `select concat_ws(' ', '<' || participant_id || '>', time_utc, local_time, local_date,
	coalesce(glucose_mgdl::varchar, 'none'), coalesce(glucose_source, 'none'), cadence_min, n_sources, overlap) from glucose order by time_utc`)
	want := []string{
		"<b 2> 2025-10-26 00:30:00 2025-10-26 02:30:00 2025-10-26 61.5 value 5 1 false",
		"<b 2> 2025-10-26 01:30:00 2025-10-26 02:30:00 2025-10-26 none implausible 15 1 false",
		"<> 2025-10-26 23:00:00 2025-10-27 00:00:00 2025-10-27 none none 1 1 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("glucose = %q, want %q", got, want)
	}
	for _, table := range tables() {
		var want []string
		for _, c := range table.Columns {
			kind := sqlType(c.Type)
			if c.Name == "glucose_mgdl" && table.Name == "glucose" {
				kind = "double" // files have decimals
			}
			want = append(want, c.Name+" "+kind)
		}
		got := ask(t, db, "select column_name || ' ' || lower(data_type) from duckdb_columns() where table_name = '"+table.Name+"' order by column_index")
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", table.Name, got, want)
		}
	}
	if got := ask(t, db, "select key || ' ' || value from settings"); !slices.Equal(got, []string{"metrics.night 22:00-06:00"}) {
		t.Errorf("settings = %q", got)
	}
	if _, err := db.Exec("create table x as select 1"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a session of a series wrote: %v", err)
	}
	spilled, err := filepath.Glob(ask(t, db, "select current_setting('temp_directory')")[0])
	if err != nil || len(spilled) != 1 {
		t.Fatalf("folder for what does not fit into memory: %q, %v", spilled, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(spilled[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s after Close: %v", spilled[0], err)
	}
}

func TestOpenSeriesStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func(SeriesReading) bool) {
		for i := int64(0); yield(SeriesReading{ParticipantID: "a", Time: i, Source: "value"}); i++ {
			if i == 10 {
				cancel()
			}
		}
	}
	if _, err := OpenSeries(ctx, endless, nil, Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenSeries: %v", err)
	}
}
