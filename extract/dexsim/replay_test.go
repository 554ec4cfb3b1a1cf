package dexsim

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What is replayed is served as it is: every value at its time, for a phone
// in UTC.
func TestReplay(t *testing.T) {
	t.Run("small", func(t *testing.T) {
		checkReplay(t, []byte("id,time,gl\nA b,2024-03-04 00:00:00,145\nA b,2024-03-04 00:05:00,165\nA b,2024-03-04 00:05:00,99.5\nA b,2024-03-04 00:10:00,NA\na-B,2024-03-05 00:00:00,39\n"))
	})
	t.Run("five people", func(t *testing.T) {
		raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "reference", "cgm", "example_data_5_subject.csv"))
		if err != nil {
			t.Skip("the file of real people is not here: ", err)
		}
		lines := bytes.SplitAfter(raw, []byte("\n"))
		checkReplay(t, bytes.Join(lines[:4000], nil)) // the first two and a half
	})
}

// seriesOf reads rows of id, time and gl, in the order of their times.
func seriesOf(t *testing.T, rows [][]string) (list []Series) {
	t.Helper()
	place := map[string]int{}
	for _, row := range rows {
		at, err := time.Parse(time.DateTime, row[1])
		if err != nil {
			t.Fatal(err)
		}
		value, err := strconv.ParseFloat(strings.Replace(row[2], "NA", "NaN", 1), 64)
		if err != nil {
			t.Fatal(err)
		}
		i, known := place[row[0]]
		if !known {
			i = len(list)
			place[row[0]], list = i, append(list, Series{ID: row[0]})
		}
		list[i].Points = append(list[i].Points, Point{Time: at, Value: value})
	}
	return list
}

func checkReplay(t *testing.T, raw []byte) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{} // user, time and value, as text
	for _, row := range rows[1:] {
		want[row[0]+"|"+strings.Replace(row[1], " ", "T", 1)+"|"+strings.Replace(row[2], "NA", "", 1)]++
	}
	list := seriesOf(t, rows[1:])
	d := newDesk(t, Config{Replay: list})
	for _, s := range list {
		for e := range replayed(t, d, s) {
			clock, ok := strings.CutSuffix(e.SystemTime, "+00:00")
			if !ok || e.DisplayTime != e.SystemTime {
				t.Fatalf("times of %+v: want both with +00:00", e)
			}
			want[s.ID+"|"+clock+"|"+e.Value.String()]--
		}
	}
	for row, n := range want {
		if n != 0 {
			t.Errorf("%s: served %d times too few", row, n)
		}
	}
}

// A servedEGV is a record as the test reads it.
type servedEGV struct {
	SystemTime, DisplayTime string
	Value                   json.Number
}

// replayed are the records that the user of s is served.
func replayed(t *testing.T, d *desk, s Series) iter.Seq[servedEGV] {
	t.Helper()
	return func(yield func(servedEGV) bool) {
		access := d.access(s.ID)
		for at := s.Points[0].Time; !at.After(s.Points[len(s.Points)-1].Time); at = at.AddDate(0, 0, 30) {
			for _, raw := range d.ask(window("egvs", at, at.AddDate(0, 0, 30)), access).Records {
				var e servedEGV
				if err := json.Unmarshal(raw, &e); err != nil {
					t.Fatal(err)
				}
				if !yield(e) {
					return
				}
			}
		}
	}
}

// The wall clock of a series is shown, and its zone is in the roster where it
// is one. Else a study takes dates as UTC, and the roster's hold all readings.
func TestReplayWithOffsets(t *testing.T) {
	at := func(hour, offset int) Point {
		return Point{Time: time.Date(2024, 10, 27, hour, 30, 0, 0, time.UTC), Offset: offset, Value: 100}
	}
	for _, test := range []struct {
		points           []Point
		shown            string // last display time
		zone, start, end string
	}{
		{[]Point{at(1, 0), at(2, 0)}, "2024-10-27T02:30:00+00:00", "UTC", "2024-10-27", "2024-10-27"},
		{[]Point{at(1, -5*3600), at(23, -5*3600)}, "2024-10-27T18:30:00-05:00", "Etc/GMT+5", "2024-10-26", "2024-10-27"},
		{[]Point{at(1, 10*3600), at(23, 10*3600)}, "2024-10-28T09:30:00+10:00", "Etc/GMT-10", "2024-10-27", "2024-10-28"},
		{[]Point{at(0, 7200), at(1, 3600)}, "2024-10-27T02:30:00+01:00", "", "2024-10-27", "2024-10-27"},
		{[]Point{at(1, -7200), at(2, -3600)}, "2024-10-27T01:30:00-01:00", "", "2024-10-26", "2024-10-27"},
		{[]Point{at(5, 0), at(6, -6*3600), at(7, -8*3600), at(8, 0)}, "2024-10-27T08:30:00+00:00", "", "2024-10-26", "2024-10-27"},
		{[]Point{at(0, 19800), at(23, 19800)}, "2024-10-28T05:00:00+05:30", "", "2024-10-27", "2024-10-28"},
	} {
		s := Series{ID: "A", Points: test.points}
		d := newDesk(t, Config{Replay: []Series{s}})
		shown := ""
		for e := range replayed(t, d, s) {
			shown = cmp.Or(shown, e.DisplayTime) // newest first
		}
		roster, err := csv.NewReader(d.get("/sim/roster.csv", "").Body).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		row := roster[1]
		if got := []string{shown, row[10], row[8], row[9]}; !slices.Equal(got, []string{test.shown, test.zone, test.start, test.end}) {
			t.Errorf("%v: %q, want %q, %q, %q, %q", test.points, got, test.shown, test.zone, test.start, test.end)
		}
	}
}

func TestPseudonyms(t *testing.T) {
	taken := map[string]bool{"p001": true}
	for _, test := range [][2]string{
		{"Subject 1", "Subject-1"}, {"subject-1", "subject-1-2"}, {"P001", "P001-2"}, {"../../etc", "etc"}, {"日本", "P"},
		{"", "P-2"}, {strings.Repeat("x", 99), strings.Repeat("x", 56)}, {"_a*b_", "a-b"},
	} {
		if got := pseudonym(test[0], taken); got != test[1] {
			t.Errorf("pseudonym(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

func TestRosterAndTokens(t *testing.T) {
	cfg := fixed(2, 3)
	cfg.Replay = []Series{{ID: "Subject 1", Points: []Point{{Time: time.Date(2015, 6, 6, 23, 59, 0, 0, time.UTC), Value: 100}}}}
	d := newDesk(t, cfg)
	read := func(path string) [][]string {
		w := d.get(path, "")
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || w.Code != 200 {
			t.Fatalf("GET %s: %d, %v", path, w.Code, err)
		}
		return rows
	}
	roster := read("/sim/roster.csv")
	if got := strings.Join(roster[0], ","); got != "participant_id,site,cohort,arm,status,status_date,consent_date,anchor_date,study_start,study_end,timezone" {
		t.Errorf("roster's header: %s", got)
	}
	for i, want := range [][4]string{{"P001", "2026-03-17", "", "America/New_York"}, {"P002", "2026-03-17", "", "America/Los_Angeles"}, {"Subject-1", "2015-06-06", "2015-06-06", "UTC"}} {
		if row := roster[i+1]; row[0] != want[0] || row[8] != want[1] || row[7] != want[1] || row[9] != want[2] || row[10] != want[3] {
			t.Errorf("roster: %v, want %v", row, want)
		}
	}
	tokens := read("/sim/tokens.csv")
	if len(tokens) != 4 || tokens[3][0] != "Subject-1" {
		t.Fatalf("tokens: %d rows, want four", len(tokens))
	}
	body := d.want("token of the file", refreshForm(tokens[3][1]), 200, "")
	access, _ := body["access_token"].(string)
	if e := d.ask("/v3/users/self/dataRange", access); e.EGVs == nil || e.EGVs.Start["systemTime"] != "2015-06-06T23:59:00+00:00" {
		t.Errorf("dataRange with the token of Subject-1: %+v", e.EGVs)
	}
	if again := read("/sim/tokens.csv"); again[1][1] == tokens[1][1] {
		t.Error("the same token twice")
	}
}

// The pages about the simulation are there and say what the package says.
func TestSimPages(t *testing.T) {
	d := newDesk(t, fixed(2, 2))
	var truths []struct {
		User string
		EGVs []struct{ RecordID string }
	}
	if err := json.Unmarshal(d.get("/sim/truth.json", "").Body.Bytes(), &truths); err != nil {
		t.Fatalf("truth.json: %v", err)
	}
	want, _ := d.TruthOf("P002")
	if len(truths) != 2 || truths[1].User != "P002" || len(truths[1].EGVs) != len(want.EGVs) || truths[1].EGVs[0].RecordID != want.EGVs[0].RecordID {
		t.Errorf("truth.json has %d users", len(truths))
	}
	var stats Stats
	if err := json.Unmarshal(d.get("/sim/stats.json", "").Body.Bytes(), &stats); err != nil || stats.Requests["GET /sim/truth.json"][200] != 1 {
		t.Errorf("stats.json: %+v, %v", stats, err)
	}
	if page := d.get("/sim/", ""); page.Code != 200 || !strings.Contains(page.Body.String(), DefaultClientID) || strings.Contains(page.Body.String(), DefaultClientSecret) {
		t.Errorf("/sim/: %d %s", page.Code, page.Body)
	}
	if err := d.WriteTruth(failing{}); err == nil {
		t.Error("WriteTruth to a full disk: no error")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestNewErrors(t *testing.T) {
	series := []Series{{ID: "a"}, {ID: "a"}}
	for name, cfg := range map[string]Config{"two of one name": {Replay: series}, "negative": {Participants: -1}, "taken": {Participants: 1, Replay: []Series{{ID: "P001"}}}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
