package dexsim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseSeries(t *testing.T) {
	text := "\ufeffgl,id, time \n153,Subject 1,2015-06-06 16:50:27\n99.5,b,2015-06-06T17:05:27\nNA,Subject 1,2015-06-06 16:45:27\n,b,2015-06-07\n"
	got, err := ParseSeries(strings.NewReader(text))
	if err != nil {
		t.Fatalf("ParseSeries: %v", err)
	}
	want := `[{Subject 1 [{2015-06-06 16:45:27 +0000 UTC NaN} {2015-06-06 16:50:27 +0000 UTC 153}]} {b [{2015-06-06 17:05:27 +0000 UTC 99.5} {2015-06-07 00:00:00 +0000 UTC NaN}]}]`
	if fmt.Sprint(got) != want {
		t.Errorf("ParseSeries:\n got %v\nwant %s", got, want)
	}
}

func TestParseSeriesErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":             "header",
		"id,when,gl\n": `line 1: no column "time"`,
		"id,time,gl\n": "no rows",
		"id,time,gl\na,2015-06-06 16:50:27,1\n\na,yesterday,2\n": `line 4: time "yesterday"`,
		"id,time,gl\na,2015-06-06 16:50:27,high\n":               `line 2: gl "high"`,
		"id,time,gl\na,2015-06-06 16:50:27,-1\n":                 `line 2: gl "-1"`,
		"id,time,gl\na,2015-06-06 16:50:27,Inf\n":                `line 2: gl "Inf"`,
		"id,time,gl\n ,2015-06-06 16:50:27,1\n":                  "line 2: id is empty",
		"id,time,gl\na,2015-06-06 16:50:27.5,1\n":                "line 2: time",
		"id,time,gl\na,b\n":                                      "line 2",
	} {
		if _, err := ParseSeries(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSeries(%q): %v, want %s", text, err, want)
		}
	}
}

func FuzzParseSeries(f *testing.F) {
	f.Add("id,time,gl\na,2015-06-06 16:50:27,1\n")
	f.Add("id,time,gl\n\"a,2015-06-06,NA\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseSeries(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range list {
			for i, p := range s.Points {
				if p.Value < 0 || math.IsInf(p.Value, 0) || i > 0 && p.Time.Before(s.Points[i-1].Time) {
					t.Errorf("ParseSeries(%q): point %v", text, p)
				}
			}
		}
		if _, err := New(Config{Replay: list}); err != nil {
			t.Errorf("New with ParseSeries(%q): %v", text, err)
		}
	})
}

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

func checkReplay(t *testing.T, raw []byte) {
	t.Helper()
	list, err := ParseSeries(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("ParseSeries: %v", err)
	}
	want := map[string]int{} // user, time and value, as text
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		want[row[0]+"|"+strings.Replace(row[1], " ", "T", 1)+"|"+strings.Replace(row[2], "NA", "", 1)]++
	}
	d := newDesk(t, Config{Replay: list})
	for _, s := range list {
		access := d.access(s.ID)
		for at := s.Points[0].Time; !at.After(s.Points[len(s.Points)-1].Time); at = at.AddDate(0, 0, 30) {
			for _, raw := range d.ask(window("egvs", at, at.AddDate(0, 0, 30)), access).Records {
				var e struct {
					SystemTime, DisplayTime string
					Value                   json.Number
				}
				if err := json.Unmarshal(raw, &e); err != nil {
					t.Fatal(err)
				}
				clock, ok := strings.CutSuffix(e.SystemTime, "+00:00")
				if !ok || e.DisplayTime != e.SystemTime {
					t.Fatalf("times of %s: want both with +00:00", raw)
				}
				want[s.ID+"|"+clock+"|"+e.Value.String()]--
			}
		}
	}
	for row, n := range want {
		if n != 0 {
			t.Errorf("%s: served %d times too few", row, n)
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
