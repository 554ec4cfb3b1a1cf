package study

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study/config"
)

// What Go computes is in the catalogue, column by column.
func TestSpansAreInTheCatalogue(t *testing.T) {
	var catalogued []string
	for _, m := range views.SpanCatalogue() {
		catalogued = append(catalogued, m.Name)
	}
	if diff := cmp.Diff(metrics.SpanColumns(), catalogued); diff != "" {
		t.Errorf("columns (-computed +catalogued):\n%s", diff)
	}
}

// A scope has the readings of its local dates, wherever they are in time, and those of
// unknown local time only if it takes them.
func TestScopesTakeTheirReadings(t *testing.T) {
	at := func(utc, local string) snapshot.SequenceReading {
		r := snapshot.SequenceReading{Time: instant(t, utc).UnixMicro(), MgdL: 100}
		if local != "" {
			r.Local, r.Placed = instant(t, local).UnixMicro(), true
		}
		return r
	}
	days := newByDay([]snapshot.SequenceReading{
		at("1969-12-31T12:00:00Z", "1969-12-31T23:59:59Z"),
		at("1970-01-01T12:00:00Z", "1970-01-01T00:00:00Z"),
		at("2026-03-02T01:00:00Z", "2026-03-02T01:00:00Z"),
		at("2026-03-02T02:00:00Z", "2026-03-01T16:00:00Z"), // flew west
		at("2026-03-02T03:00:00Z", ""),
		at("2026-03-02T20:00:00Z", "2026-03-02T10:00:00Z"),
	})
	march1, march2, none := instant(t, "2026-03-01T00:00:00Z"), instant(t, "2026-03-02T00:00:00Z"), time.Time{}
	tests := []struct {
		name string
		snapshot.Span
		want []string // by UTC
	}{
		{"a day", snapshot.Span{First: march1, Last: march1}, []string{"2026-03-02T02:00:00Z"}},
		{"the next", snapshot.Span{First: march2, Last: march2}, []string{"2026-03-02T01:00:00Z", "2026-03-02T20:00:00Z"}},
		{"both, and what is unknown", snapshot.Span{First: march1, Last: march2, TakesUnknown: true},
			[]string{"2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z", "2026-03-02T20:00:00Z"}},
		{"no dates", snapshot.Span{First: none, Last: none, TakesUnknown: true}, []string{"2026-03-02T03:00:00Z"}},
		{"no dates, nothing unknown", snapshot.Span{First: none, Last: none}, nil},
		{"the wrong way round", snapshot.Span{First: march2, Last: march1}, nil},
		{"a sensor, from its first value to its last", snapshot.Span{First: march1, Last: march2, From: instant(t, "2026-03-02T01:00:00Z"), To: instant(t, "2026-03-02T03:00:00Z")},
			[]string{"2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z"}},
		{"before 1970", snapshot.Span{First: time.Unix(-86400, 0), Last: time.Unix(-86400, 0)}, []string{"1969-12-31T12:00:00Z"}},
	}
	for _, test := range tests {
		var got []string
		for _, r := range days.within(test.Span) {
			got = append(got, r.Time.Format(time.RFC3339))
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Of dates without readings nothing is computed, of somebody who has readings on others
// neither: a snapshot has nothing of them.
func TestMetricsOfDatesWithoutReadings(t *testing.T) {
	s := open(t, func() time.Time { return now })
	check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P001"}))
	log, l := s.startLoading(t)
	appendReadings(t, log, 1, now, "P001")
	check(t, errors.Join(l.load(t.Context()), l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	for days, known := range map[int]bool{-1: true, -30: false} {
		date := now.AddDate(0, 0, days).Format(time.DateOnly)
		m, err := s.Metrics(t.Context(), "", views.Selection{From: date, To: date})
		check(t, err)
		if got := m.Rows[0][slices.Index(m.Columns, "exposure_days")]; (got != nil) != known {
			t.Errorf("%s: exposure_days is %v, known is %t", date, got, known)
		}
	}
}

// Of somebody of a file who has no values, or none on the dates asked for, nothing is
// known, as of somebody in a snapshot.
func TestMetricsOfAFileWithoutValues(t *testing.T) {
	text := "id,time,gl\nA,2026-03-01T00:00:00Z,\nB,2026-03-01T00:00:00Z,100\nB,2026-03-01T00:05:00Z,110\n"
	file, err := cgmfile.Format{}.Read(strings.NewReader(text))
	check(t, err)
	for date, known := range map[string]map[string]bool{"": {"B": true}, "2026-03-09": {}} {
		m, err := MetricsOf(t.Context(), file, views.Selection{From: date, To: date}, config.Metrics{Night: "00:00-06:00", MinActivePct: 70, Episodes: "consensus2023"})
		check(t, err)
		for _, row := range m.Rows {
			who := row[slices.Index(m.Columns, "participant_id")].(string)
			if got := row[slices.Index(m.Columns, "exposure_days")]; (got != nil) != known[who] {
				t.Errorf("%s on %q: exposure_days is %v, known is %t", who, date, got, known[who])
			}
		}
		if len(m.Rows) != 2 {
			t.Errorf("%q: %d rows, want 2", date, len(m.Rows))
		}
	}
}
