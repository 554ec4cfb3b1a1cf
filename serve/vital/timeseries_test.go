package vital

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/api/apitest"
)

var january = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A page of glucose has the values of the lake, in the unit that was asked for, and no
// reading without one.
func TestGlucose(t *testing.T) {
	s := newSeries(t)
	s.Commit(map[string][]row{"glucose": slices.Concat(
		apitest.GlucoseRows("P001", january, 600, func(i int) any {
			if i%100 == 7 {
				return nil
			}
			return 39 + i%363
		}),
		apitest.GlucoseRows("P002", january, 600, func(int) any { return 55 }))})
	path := "/v2/timeseries/" + s.user("P001").String() + "/glucose"
	var p Page[Glucose]
	if status := s.get(path+"/grouped?start_date=2026-01-01&end_date=2026-01-01", s.Key, &p); status != 200 {
		t.Fatal(status)
	}
	group := p.Groups["dexcom_v3"][0]
	if len(p.Groups) != 1 || len(group.Data) != 288-3 || p.NextCursor != nil || group.Source != (SampleSource{Provider: "dexcom_v3", Type: "automatic"}) {
		t.Fatalf("%d samples, next %v, source %+v", len(group.Data), p.NextCursor, group.Source)
	}
	offset := -5 * 3600
	if want := (Glucose{"2026-01-01T00:00:00+00:00", &offset, nil, "mmol/L", 2.1648}); !reflect.DeepEqual(group.Data[0], want) {
		t.Errorf("first sample %+v, want %+v", group.Data[0], want)
	}
	for query, want := range map[string]int{
		"start_date=2026-01-01":                                                            594,
		"start_date=2026-01-01T00:05:00Z":                                                  593,
		"start_date=2026-01-01T00:05:00&end_date=2026-01-01T00:15:00":                      3,
		"start_date=2026-01-01T01:05:00%2B01:00&end_date=2026-01-01T00:15:00Z":             3,
		"start_date=2026-01-01T01:05:00+01:00&end_date=2026-01-01T00:15:00.000Z":           3,
		"start_date=2026-01-01 00:05:00&end_date=2026-01-01 00:15":                         3,
		"start_date=2026-01-03&end_date=2026-01-02":                                        0,
		"start_date=2025-01-01&end_date=2025-12-31":                                        0,
		"start_date=2026-01-01&provider=dexcom_v3":                                         594,
		"start_date=2026-01-01&provider=oura":                                              0,
		"start_date=2026-01-01&end_date=2026-01-01T00:00:00&unit=mg/dL&cursor=&unknown=me": 1,
	} {
		var p Page[Glucose]
		query = strings.ReplaceAll(query, " ", "%20")
		if status := s.get(path+"/grouped?"+query, s.Key, &p); status != 200 {
			t.Errorf("%s: %d", query, status)
		}
		if n := count(p); n != want || n == 0 && len(p.Groups) > 0 {
			t.Errorf("%s: %d samples, want %d", query, n, want)
		}
		var list []Glucose
		if status := s.get(path+"?"+query, s.Key, &list); status != 200 || len(list) != want {
			t.Errorf("%s, not grouped: %d, %d samples, want %d", query, status, len(list), want)
		}
	}
}

func count[S any](p Page[S]) (n int) {
	for _, groups := range p.Groups {
		for _, g := range groups {
			n += len(g.Data)
		}
	}
	return n
}

// Dates that are none are told in the form that Vital's clients know.
func TestBadDates(t *testing.T) {
	s := newSeries(t)
	path := "/v2/timeseries/" + s.user("P001").String() + "/glucose"
	for query, where := range map[string]string{
		"": "start_date", "?start_date=": "start_date", "?start_date=yesterday": "start_date", "?start_date=2026-02-30": "start_date",
		"?start_date=2026-01-01&end_date=2026-13-01": "end_date", "?start_date=2026-01-01&unit=stone": "unit",
		"/grouped?start_date=2026-01-01&next_cursor=abc": "next_cursor", "/grouped?start_date=2026-01-01&cursor=abc": "cursor",
	} {
		var got struct {
			Detail []api.VitalWrong `json:"detail"`
		}
		status := s.get(path+query, s.Key, &got)
		if status != 422 || len(got.Detail) != 1 || !reflect.DeepEqual(got.Detail[0].Loc, []any{"query", where}) || got.Detail[0].Msg == "" {
			t.Errorf("%s: %d %+v, want 422 about %s", query, status, got, where)
		}
	}
}

// A study without a snapshot has no samples, and says so without an error.
func TestNothingLoaded(t *testing.T) {
	s := newSeries(t)
	for _, kind := range []string{"glucose", "insulin_injection", "carbohydrates", "note", "workout_duration"} {
		all, _ := pages[map[string]any](s, "/v2/timeseries/"+s.user("P001").String()+"/"+kind+"/grouped?start_date=2026-01-01")
		if len(all) > 0 {
			t.Errorf("%s: %v", kind, all)
		}
	}
	var list []Glucose
	if s.get("/v2/timeseries/"+s.user("P001").String()+"/glucose?start_date=2026-01-01", s.Key, &list) != 200 || len(list) > 0 {
		t.Error(list)
	}
}

// The pages of a sequence show one snapshot, whatever is committed between them; and they
// are together what the list is.
func TestPagesAreFrozen(t *testing.T) {
	s := newSeries(t)
	old := func(i int) any { return 100 + i%50 }
	s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 4000, old)})
	path := "/v2/timeseries/" + s.user("P001").String() + "/glucose/grouped?start_date=2026-01-01&unit=mg/dL"
	var first Page[Glucose]
	s.get(path, s.Key, &first)
	s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 5000, func(int) any { return 300 })})
	all := first.Groups[providerSlug][0].Data
	for p := first; p.NextCursor != nil; {
		cursor := "&next_cursor=" + *p.NextCursor
		p = Page[Glucose]{}
		if status := s.get(path+cursor, s.Key, &p); status != 200 {
			t.Fatal(status)
		}
		all = append(all, p.Groups[providerSlug][0].Data...)
	}
	if len(all) != 4000 {
		t.Fatalf("%d samples, want the 4000 of the first snapshot", len(all))
	}
	for i, sample := range all {
		if sample.Value != float64(100+i%50) || sample.Timestamp != utc(january.Add(time.Duration(i)*5*time.Minute)) {
			t.Fatalf("sample %d: %+v", i, sample)
		}
	}
	if fresh, sizes := pages[Glucose](s, path); len(fresh) != 5000 || fresh[0].Value != 300 || len(sizes) != 4 {
		t.Errorf("a new sequence has %d samples on pages of %v", len(fresh), sizes)
	}
	if status := s.get(path+"&end_date=2026-01-09&next_cursor="+*first.NextCursor, s.Key, nil); status != 422 {
		t.Errorf("a cursor of another list: %d, want 422", status)
	}
	s.Commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-01T00:00:00"}}})
	if status := s.get(path+"&next_cursor="+*first.NextCursor, s.Key, nil); status != http.StatusGone {
		t.Errorf("pages of before a withdrawal: %d, want 410", status)
	}
}

func entryRows(list ...row) []row {
	for i, r := range list {
		r["participant_id"], r["record_id"] = "P001", fmt.Sprint("r", i)
		r["system_time"] = january.Add(time.Duration(i) * time.Minute).Format("2006-01-02T15:04:05")
	}
	return list
}

// What was entered comes in Vital's words; what was deleted, is no longer sent, or has no
// number, does not come at all.
func TestEntries(t *testing.T) {
	s := newSeries(t)
	gone := "2026-01-05T00:00:00"
	rows := entryRows(
		row{"event_type": "insulin", "event_subtype": "fastActing", "value": 3.5, "unit": "units", "event_status": "created", "utc_offset_min": -300},
		row{"event_type": "insulin", "event_subtype": "longActing", "value": 20, "unit": "units", "event_status": "updated"},
		row{"event_type": "insulin", "value": 1, "event_status": "created"},
		row{"event_type": "insulin", "event_subtype": "fastActing", "value": 9, "event_status": "deleted"},
		row{"event_type": "insulin", "event_subtype": "fastActing", "value": 9, "vanished_at": gone},
		row{"event_type": "insulin", "event_subtype": "fastActing"},
		row{"event_type": "carbs", "value": 45, "unit": "grams", "event_status": "created"},
		row{"event_type": "exercise", "event_subtype": "light", "value": 30, "unit": "minutes"},
		row{"event_type": "exercise", "event_subtype": "heavy", "value": -1, "unit": "minutes"},
		row{"event_type": "exercise", "event_subtype": "unknown", "value": 0.5, "unit": "minutes"},
		row{"event_type": "notes", "event_status": "created"},
		row{"event_type": "carbs", "event_status": "created"},
		row{"event_type": "notes", "event_status": "deleted"},
		row{"event_type": "notes", "vanished_at": gone},
		row{"event_type": "health", "event_subtype": "illness"})
	notes := []row{}
	for i, r := range rows {
		if r["event_type"] == "notes" || i == 11 {
			note := row{"participant_id": "P001", "record_id": r["record_id"], "system_time": r["system_time"], "note": fmt.Sprintf("words %d", i)}
			if r["vanished_at"] != nil {
				note["vanished_at"] = gone
			}
			notes = append(notes, note)
		}
	}
	s.Commit(map[string][]row{"events": rows, "event_notes": notes})
	path := "/v2/timeseries/" + s.user("P001").String() + "/%s/grouped?start_date=2026-01-01"
	at := func(minute int) string { return utc(january.Add(time.Duration(minute) * time.Minute)) }
	offset, low := -18000, "low"
	same(t, s, fmt.Sprintf(path, "insulin_injection"), []Insulin{
		{EntrySample{at(0), at(0), at(0), &offset}, "rapid_acting", "unit", 3.5},
		{EntrySample{at(1), at(1), at(1), nil}, "long_acting", "unit", 20},
		{EntrySample{at(2), at(2), at(2), nil}, "unknown", "unit", 1}})
	same(t, s, fmt.Sprintf(path, "carbohydrates"), []Carbohydrates{{EntrySample{at(6), at(6), at(6), nil}, nil, "grams", 45}})
	same(t, s, fmt.Sprintf(path, "workout_duration"), []Workout{
		{EntrySample{at(7), at(7), at(37), nil}, nil, "min", 30, &low},
		{EntrySample{at(9), at(9), "2026-01-01T00:09:30+00:00", nil}, nil, "min", 0.5, nil}})
	same(t, s, fmt.Sprintf(path, "note"), []Note{
		{EntrySample{at(10), at(10), at(10), nil}, nil, "", "words 10", []string{"unspecified"}},
		{EntrySample{at(11), at(11), at(11), nil}, nil, "", "words 11", []string{"food"}}})
}

func same[S any](t *testing.T, s *series, path string, want []S) {
	t.Helper()
	if got, _ := pages[S](s, path); !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", path, got, want)
	}
}

// Pages of entries lose none, even where many are of one instant.
func TestPagesOfEntries(t *testing.T) {
	s := newSeries(t)
	var rows []row
	for i := range 3*pageSamples + 7 {
		r := row{"participant_id": "P001", "record_id": fmt.Sprintf("%06d", i), "event_type": "carbs", "value": i}
		r["system_time"] = january.Add(time.Duration(i/1000) * time.Hour).Format("2006-01-02T15:04:05")
		if i%2 == 0 {
			r["event_type"] = "insulin"
		}
		rows = append(rows, r)
	}
	s.Commit(map[string][]row{"events": rows})
	all, sizes := pages[Carbohydrates](s, "/v2/timeseries/"+s.user("P001").String()+"/carbohydrates/grouped?start_date=2026-01-01")
	if len(all) != len(rows)/2 || len(sizes) != 2 {
		t.Fatalf("%d meals on pages of %v, want %d", len(all), sizes, len(rows)/2)
	}
	for i, m := range all {
		if m.Value != float64(2*i+1) {
			t.Fatalf("meal %d has %v", i, m.Value)
		}
	}
}

// Who may not see glucose, notes or a person does not.
func TestRightsOfTimeseries(t *testing.T) {
	s := newSeries(t)
	s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 3, func(int) any { return 100 })})
	s.Study.Config.Study.Blinding = true
	blind, notes := s.AddKey("blind", access.Rights{Scope: access.Manage, Notes: true}), s.AddKey("no-notes", access.Rights{Scope: access.Read, Unblinded: true})
	onlyB := s.AddKey("b", access.Rights{Scope: access.Read, Unblinded: true, Notes: true, Cohort: "B"})
	for _, r := range s.API.Routes() {
		path := strings.Replace(r.Path, "{user_id}", s.user("P001").String(), 1) + "?start_date=2026-01-01"
		isNote := strings.Contains(path, "/note/")
		for key, want := range map[string]int{s.Key: 200, "": 401, blind: 403, onlyB: 404, notes: map[bool]int{true: 403, false: 200}[isNote]} {
			if got := s.get(path, key, nil); got != want {
				t.Errorf("%s with %.12s: %d, want %d", path, key, got, want)
			}
		}
	}
}

// An answer says of which snapshot it is, the first page of a sequence and those after it.
func TestSnapshotIsSaid(t *testing.T) {
	s := newSeries(t)
	base := "/v2/timeseries/" + s.user("P001").String() + "/"
	snapshots := func(want string) {
		t.Helper()
		for _, path := range []string{"glucose?", "glucose/grouped?", "glucose/grouped?provider=oura&", "carbohydrates/grouped?"} {
			if answer, body := s.Get(base+path+"start_date=2026-01-01", s.Key); answer.StatusCode != 200 || answer.Header.Get(api.SnapshotHeader) != want {
				t.Errorf("%s: %d, snapshot %q, want %q: %s", path, answer.StatusCode, answer.Header.Get(api.SnapshotHeader), want, body)
			}
		}
	}
	snapshots("")
	for _, want := range []string{"1", "2"} {
		s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 3, func(int) any { return 100 })})
		snapshots(want)
	}
}
