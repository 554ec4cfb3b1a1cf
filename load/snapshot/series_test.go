package snapshot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// series writes a CSV file whose name DuckDB could take for a pattern.
func series(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "o'series [1] *.csv")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOpenSeries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  []string // participant, time, glucose; in order
	}{
		{"one", []string{"id,time,gl", "A,2015-06-06 16:50:27,153"}, []string{"<A> 2015-06-06 16:50:27 153.0 value"}},
		{"ids with spaces", []string{"id,time,gl", "Subject 1,2015-06-06 16:50:27,153", `" Subject, 2",2015-06-06 16:50:27,154`}, []string{
			"< Subject, 2> 2015-06-06 16:50:27 154.0 value", "<Subject 1> 2015-06-06 16:50:27 153.0 value",
		}},
		{"ids that are numbers stay as written", []string{"id,time,gl", "007,2015-06-06 16:50:27,153"}, []string{"<007> 2015-06-06 16:50:27 153.0 value"}},
		{"no value", []string{"id,time,gl", "A,2015-06-06 16:50:00,NA", "A,2015-06-06 16:55:00,", "A,2015-06-06 17:00:00,90.5"}, []string{
			"<A> 2015-06-06 16:50:00 none none", "<A> 2015-06-06 16:55:00 none none", "<A> 2015-06-06 17:00:00 90.5 value",
		}},
		{"unsorted, other order of columns, T and Z", []string{"gl,id,time,note", "3,B,2015-06-06T17:00:00Z,x", "2,A,2015-06-06 17:05:00,", "1,A,2015-06-06 17:00:00,"}, []string{
			"<A> 2015-06-06 17:00:00 1.0 value", "<A> 2015-06-06 17:05:00 2.0 value", "<B> 2015-06-06 17:00:00 3.0 value",
		}},
		{"the last one of a time counts", []string{"id,time,gl", "A,2015-06-06 17:00:00,1", "B,2015-06-06 17:00:00,2", "A,2015-06-06 17:00:00,3", "A,2015-06-06 16:00:00,5", "A,2015-06-06 17:00:00,4"}, []string{
			"<A> 2015-06-06 16:00:00 5.0 value", "<A> 2015-06-06 17:00:00 4.0 value", "<B> 2015-06-06 17:00:00 2.0 value",
		}},
		{"no rows", []string{"id,time,gl"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := OpenSeries(t.Context(), series(t, tt.lines...), Limits{})
			if err != nil {
				t.Fatalf("OpenSeries(%q): %v", tt.lines, err)
			}
			defer db.Close()
			got := ask(t, db, `select concat_ws(' ', '<' || participant_id || '>', local_time, coalesce(glucose_mgdl::varchar, 'none'), coalesce(glucose_source, 'none'))
from glucose order by participant_id, time_utc`)
			if !slices.Equal(got, tt.want) {
				t.Errorf("OpenSeries(%q): glucose = %q, want %q", tt.lines, got, tt.want)
			}
		})
	}
}

// A file that cannot be read as a series is refused at once, and the error
// helps to find the place.
func TestOpenSeriesRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  []string // in the error
	}{
		{"a bad time", []string{"id,time,gl", "A,2015-06-06 17:00:00,1", "A,yesterday,2", "A,2015-06-06 17:10:00,3"}, []string{"line 3", "yesterday"}},
		{"the first bad line", []string{"id,time,gl", "A,2015-06-06 17:00:00,1", "A,2015-06-06 17:05:00,x", "A,2015-06-06,y", "A,z,"}, []string{"line 3", "x"}},
		{"not finite", []string{"id,time,gl", "A,2015-06-06 17:00:00,NaN"}, []string{"line 2", "NaN"}},
		{"a bad value", []string{"id,time,gl", "A,2015-06-06 17:00:00,1", "A,2015-06-06 17:05:00,low"}, []string{"line 3", "low"}},
		{"no time", []string{"id,time,gl", "A,,1"}, []string{"line 2"}},
		{"no id", []string{"id,time,gl", ",2015-06-06 17:00:00,1"}, []string{"line 2"}},
		{"no column gl", []string{"id,time,glucose", "A,2015-06-06 17:00:00,1"}, []string{"gl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := OpenSeries(t.Context(), series(t, tt.lines...), Limits{})
			if err == nil {
				rows := ask(t, db, "from glucose")
				db.Close()
				t.Fatalf("OpenSeries(%q): no error, %d rows %q", tt.lines, len(rows), rows)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("OpenSeries(%q) = %v, want an error with %q", tt.lines, err, part)
				}
			}
		})
	}
	name := filepath.Join(t.TempDir(), "nothing.csv")
	if _, err := OpenSeries(t.Context(), name, Limits{}); err == nil || !strings.Contains(err.Error(), "nothing.csv") {
		t.Errorf("OpenSeries(no file) = %v, want an error that names it", err)
	}
}
