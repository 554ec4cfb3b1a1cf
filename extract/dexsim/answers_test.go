package dexsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// access is a good access token of a user.
func (d *desk) access(user string) string {
	return d.tokens.mint(user, d.Server.now()).access
}

// ask is a good answer to path.
func (d *desk) ask(path, access string) envelope {
	d.t.Helper()
	w := d.get(path, access)
	var e envelope
	if err := json.Unmarshal(w.Body.Bytes(), &e); w.Code != 200 || err != nil {
		d.t.Fatalf("GET %s: %d %.200s: %v", path, w.Code, w.Body, err)
	}
	return e
}

// times are the system times of records, in order.
func (d *desk) times(records []json.RawMessage) []time.Time {
	d.t.Helper()
	var list []time.Time
	for _, raw := range records {
		var r struct{ SystemTime time.Time }
		if err := json.Unmarshal(raw, &r); err != nil {
			d.t.Fatalf("record %s: %v", raw, err)
		}
		list = append(list, r.SystemTime)
	}
	return list
}

func TestWindowRules(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	access := d.access("P001")
	tests := map[string]struct {
		query  string
		status int
	}{
		"30 days":           {"startDate=2026-02-01T00:00:00&endDate=2026-03-03T00:00:00", 200},
		"and a second":      {"startDate=2026-02-01T00:00:00&endDate=2026-03-03T00:00:01", 400},
		"start is end":      {"startDate=2026-02-01T00:00:00&endDate=2026-02-01T00:00:00", 400},
		"start after end":   {"startDate=2026-02-02T00:00:00&endDate=2026-02-01T00:00:00", 400},
		"with a zone":       {"startDate=2026-02-01T00:00:00Z&endDate=2026-02-02T00:00:00Z", 400},
		"no such date":      {"startDate=2026-02-30T00:00:00&endDate=2026-03-02T00:00:00", 400},
		"no end":            {"startDate=2026-02-01T00:00:00", 400},
		"nothing":           {"", 400},
		"unknown parameter": {"startDate=2026-02-01T00:00:00&endDate=2026-02-03T00:00:00&limit=3", 200},
	}
	for name, test := range tests {
		for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
			w := d.get("/v3/users/self/"+resource+"?"+test.query, access)
			if w.Code != test.status {
				t.Errorf("%s, %s: %d %s, want %d", resource, name, w.Code, w.Body, test.status)
			}
			var body struct{ Errors []string }
			if _ = json.Unmarshal(w.Body.Bytes(), &body); test.status == 400 && len(body.Errors) != 1 {
				t.Errorf("%s, %s: body %s, want one error", resource, name, w.Body)
			}
		}
	}
	if w := d.get("/v3/users/self/devices?startDate=x", access); w.Code != 200 {
		t.Errorf("devices with a date: %d, want 200: it takes none", w.Code)
	}
	if w := d.get("/v3/users/self/nonsense", access); w.Code != 404 {
		t.Errorf("unknown path: %d, want 404", w.Code)
	}
}

// A record at the border of two windows is in the second one alone.
func TestWindowEnds(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	access := d.access("P001")
	from := dataEnd.Add(-24 * time.Hour)
	all := d.times(d.ask(window("egvs", from, dataEnd), access).Records)
	if len(all) < 100 {
		t.Fatalf("a day has %d records", len(all))
	}
	border := all[len(all)/2]
	before := d.times(d.ask(window("egvs", from, border), access).Records)
	after := d.times(d.ask(window("egvs", border, dataEnd), access).Records)
	if before[0].Equal(border) {
		t.Errorf("the window before %s ends with %s", border, before[0])
	}
	if first := after[len(after)-1]; !first.Equal(border) {
		t.Errorf("the window from %s begins with %s", border, first)
	}
	if len(before)+len(after) != len(all) {
		t.Errorf("%d and %d records, want %d in all", len(before), len(after), len(all))
	}
}

func TestNewestFirst(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	answer := d.ask(window("egvs", dataEnd.Add(-24*time.Hour), dataEnd), d.access("P001"))
	if answer.RecordType != "egv" || len(answer.Records) == 0 {
		t.Fatalf("recordType %q, %d records; want egv, some", answer.RecordType, len(answer.Records))
	}
	times := d.times(answer.Records)
	for i, at := range times[1:] {
		if times[i].Before(at) {
			t.Fatalf("record %d at %s comes before %s", i, times[i], at)
		}
	}
}

func TestQuota(t *testing.T) {
	cfg := fixed(1, 2)
	cfg.CallsPerHour = 3
	d := newDesk(t, cfg)
	d.now = d.now.Truncate(time.Hour)
	access := d.access("P001")
	for i, want := range []int{200, 200, 200, 429, 429} {
		if w := d.get("/v3/users/self/devices", access); w.Code != want || want == 429 && w.Body.Len() != 0 {
			t.Errorf("call %d: %d %s, want %d", i+1, w.Code, w.Body, want)
		}
	}
	d.now = d.now.Add(time.Hour)
	if w := d.get("/v3/users/self/devices", access); w.Code != 200 {
		t.Errorf("in the next hour: %d, want 200", w.Code)
	}
	stats := d.Stats()
	if got := stats.Requests["GET /v3/users/self/devices"]; got[200] != 4 || got[429] != 2 || stats.Calls != 4 {
		t.Errorf("Stats: %+v, want 4 calls and 2 refused", stats)
	}
}

func TestGzipAndDate(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	path, access := window("egvs", dataEnd.AddDate(0, 0, -2), dataEnd), d.access("P001")
	plain := d.get(path, access)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+access)
	r.Header.Set("Accept-Encoding", "br, gzip;q=0.5")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding is %q, want gzip", w.Header().Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unzipped, plain.Body.Bytes()) {
		t.Errorf("gzipped body differs from the plain one: %v", err)
	}
	if got, want := w.Header().Get("Date"), d.now.UTC().Format(http.TimeFormat); got != want {
		t.Errorf("Date is %q, want %q", got, want)
	}
}

// At every instant a record is there if it was uploaded an hour (three
// outside the United States, none from a receiver) ago.
func TestVisibility(t *testing.T) {
	cfg := fixed(4, 20)
	d := newDesk(t, cfg)
	for user, delay := range map[string]time.Duration{"P001": time.Hour, "P003": 0, "P004": 3 * time.Hour} {
		p := d.person(user)
		h := d.histories.of(p, d.cfg.Chaos)
		for _, back := range []int{0, 3, 9, 15} {
			d.now = dataEnd.AddDate(0, 0, -back)
			want := 0
			for _, e := range h.egvs {
				wait := delay
				if e.device == receiver {
					wait = 0
				}
				if !utc(e.upload).Add(wait).After(d.now) {
					want++
				}
			}
			truth, _ := d.TruthOf(user)
			if len(truth.EGVs) != want {
				t.Errorf("%s %d days before the end: %d EGVs, want %d", user, back, len(truth.EGVs), want)
			}
			for _, e := range truth.EGVs {
				if wait := d.now.Sub(e.SystemTime); wait < delay && e.Device != "receiver" {
					t.Fatalf("%s: an EGV can be seen %s after it was made", user, wait)
				}
			}
		}
	}
}

// The ends that dataRange finds without looking at every EGV are those of all of
// them, whenever it is asked and for whatever was uploaded since.
func TestEndsOfEGVs(t *testing.T) {
	cfg := fixed(4, 60)
	cfg.Chaos = Chaos{Kinds: ^Kinds(0), RecordRate: 0.05}
	d := newDesk(t, cfg)
	found := 0
	for _, p := range d.people {
		for age := range int64(70) {
			v := d.viewOf(p, p.end+hour-age*day)
			for _, since := range []int64{everything.from, v.now - 30*day, v.now - 7*day, v.now - 12*hour, v.now - 10*minute, v.now} {
				var oldest, newest written
				ok := false
				for _, x := range v.hits("egvs", everything) {
					if m, readable := v.written("egvs", x); readable && x.upload > since {
						if !ok {
							oldest, ok = m, true
						}
						newest = m
					}
				}
				from, to, some := v.ends("egvs", since)
				if from != oldest || to != newest || some != ok {
					t.Fatalf("%s at %s, since %s: %v to %v, %t; want %v to %v, %t", p.name, utc(v.now), utc(since), from, to, some, oldest, newest, ok)
				}
				if ok && since > everything.from {
					found++
				}
			}
		}
	}
	if found < 300 {
		t.Errorf("something new in %d questions, want more", found)
	}
}

// A receiver's readings come once a session, a phone's as they are made.
func TestUploads(t *testing.T) {
	d := newDesk(t, fixed(3, 60))
	arrivals := func(user string) map[int64]int {
		n := map[int64]int{}
		for _, e := range d.histories.of(d.person(user), d.cfg.Chaos).egvs {
			n[e.upload]++
		}
		return n
	}
	if n := len(arrivals("P003")); n < 5 || n > 12 {
		t.Errorf("60 days on a receiver came in %d uploads, want about one each 10 days", n)
	}
	late := 0
	for _, e := range d.histories.of(d.person("P001"), d.cfg.Chaos).egvs {
		if e.upload < e.at {
			t.Fatalf("EGV of %s was uploaded at %s", utc(e.at), utc(e.upload))
		}
		if e.upload > e.at+5*minute {
			late++
		}
	}
	if n := len(arrivals("P001")); n < 5000 || late == 0 {
		t.Errorf("60 days on a phone came in %d uploads, %d of them late; want thousands, a few late", n, late)
	}
}

// Entries are changed and deleted under one id as the clock goes on.
func TestEventsChange(t *testing.T) {
	d := newDesk(t, fixed(1, 60))
	count := func() map[string]int {
		n := map[string]int{}
		truth, _ := d.TruthOf("P001")
		for _, e := range truth.Events {
			n[e.Status]++
		}
		return n
	}
	late := count()
	d.now = dataEnd.AddDate(0, 0, -5)
	early := count()
	if late["updated"] <= early["updated"] || late["deleted"] <= early["deleted"] || early["updated"] == 0 {
		t.Errorf("five days before the end %v, three months after it %v: want more changes later", early, late)
	}
	changed, p := 0, d.person("P001")
	for _, r := range d.histories.of(p, d.cfg.Chaos).others["events"] {
		at := r.change + time.Hour.Milliseconds()
		if r.change != 0 && (view{person: p, now: at - 1}.arrived(r.device, r.change) || !view{person: p, now: at}.arrived(r.device, r.change)) {
			t.Fatalf("a change uploaded at %s is not first seen at %s", utc(r.change), utc(at))
		}
		if r.change != 0 && at <= d.now.UnixMilli() {
			changed++
		}
	}
	if got := early["updated"] + early["deleted"]; got != changed {
		t.Errorf("%d changes can be seen, want the %d uploaded an hour ago", got, changed)
	}
}

func TestDataRange(t *testing.T) {
	d := newDesk(t, fixed(8, 20))
	access := d.access("P001")
	truth, _ := d.TruthOf("P001")
	r := d.ask("/v3/users/self/dataRange", access)
	if r.RecordType != "dataRange" || r.EGVs == nil || r.Events == nil || r.Calibrations != nil {
		t.Fatalf("dataRange: %+v, want EGVs and events and no calibrations", r)
	}
	wall := func(at time.Time) string { return at.Format("2006-01-02T15:04:05") + "Z" }
	if got, want := r.EGVs.Start["systemTime"], wall(truth.EGVs[0].SystemTime); got != want {
		t.Errorf("EGVs start at %s, want %s", got, want)
	}
	if got, want := r.EGVs.End["systemTime"], wall(truth.EGVs[len(truth.EGVs)-1].SystemTime); got != want {
		t.Errorf("EGVs end at %s, want %s", got, want)
	}
	empty := d.ask("/v3/users/self/dataRange", d.access("P008"))
	if empty.EGVs != nil || empty.Events != nil || empty.UserID == r.UserID {
		t.Errorf("dataRange of the user without data: %+v", empty)
	}
}

func TestLastSyncTime(t *testing.T) {
	d := newDesk(t, fixed(1, 20))
	d.now = dataEnd
	access := d.access("P001")
	at := func(when time.Time) string {
		return "/v3/users/self/dataRange?" + url.Values{"lastSyncTime": {when.Format(time.RFC3339)}}.Encode()
	}
	if w := d.get("/v3/users/self/dataRange?lastSyncTime=2026-03-01T00:00:00", access); w.Code != 400 {
		t.Errorf("lastSyncTime without zone: %d, want 400", w.Code)
	}
	whole := d.ask("/v3/users/self/dataRange", access)
	news := d.ask(at(dataEnd.Add(-6*time.Hour)), access)
	if news.EGVs == nil || news.EGVs.Start["systemTime"] <= whole.EGVs.Start["systemTime"] || news.EGVs.End["systemTime"] != whole.EGVs.End["systemTime"] {
		t.Errorf("news of six hours: %+v of %+v", news.EGVs, whole.EGVs)
	}
	if none := d.ask(at(dataEnd), access); none.EGVs != nil {
		t.Errorf("news of this instant: %+v, want none", none.EGVs)
	}
	if wrong := d.ask(at(dataEnd.AddDate(0, 0, -101)), access); wrong.EGVs != nil {
		t.Errorf("101 days back: %+v, want the wrong answer, none", wrong.EGVs)
	}
	d.now = d.now.Add(time.Hour)
	if later := d.ask(at(dataEnd.Add(-10*time.Minute)), access); later.EGVs == nil {
		t.Error("an hour later: no news")
	}
}

// Dexcom's userId differs from app to app and from user to user.
func TestUserID(t *testing.T) {
	cfg := fixed(2, 1)
	one := newDesk(t, cfg)
	cfg.ClientID = "another"
	two := newDesk(t, cfg)
	id := func(d *desk, user string) string { return d.ask("/v3/users/self/devices", d.access(user)).UserID }
	a, b, c := id(one, "P001"), id(one, "P002"), id(two, "P001")
	if len(a) != 64 || a == b || a == c || a != id(one, "P001") {
		t.Errorf("userIds %s, %s, %s: want 64 characters, all different, each stable", a, b, c)
	}
}

func TestOverlapsAndRepeats(t *testing.T) {
	s, h := start(t, Config{
		Seed: 1, Participants: 1, Days: 2, End: dataEnd, Now: func() time.Time { return dataEnd.AddDate(0, 1, 0) },
		Chaos: Chaos{Kinds: Slow, FaultRate: 1, MaxFaults: 1, Slow: time.Millisecond},
	})
	c := newClient(t, s, h, "P001")
	path := window("egvs", dataEnd.AddDate(0, 0, -2), dataEnd)
	c.ask(path)
	if got := s.Stats(); got.Repeats != 0 || got.OpenMax != 1 || got.OverlapsOpen != 0 {
		t.Errorf("after one answer: %+v", got)
	}
	c.ask(path)
	if got := s.Stats(); got.Repeats != 1 || got.OverlapsOpen != 0 {
		t.Errorf("after two answers: %+v, want one repeat", got)
	}
	t1 := newTally(1)
	first := t1.ask(question{person: s.people[0], resource: "egvs", window: interval{0, 10}})
	t1.ask(question{person: s.people[0], resource: "egvs", window: interval{10, 20}})()
	t1.ask(question{person: s.people[0], resource: "alerts", window: interval{5, 15}})()
	if t1.stats.OverlapsOpen != 0 {
		t.Errorf("%d overlaps of neighbours and other resources, want 0", t1.stats.OverlapsOpen)
	}
	t1.ask(question{person: s.people[0], resource: "egvs", window: interval{9, 15}})()
	first()
	t1.ask(question{person: s.people[0], resource: "egvs", window: interval{0, 10}})()
	if t1.stats.OverlapsOpen != 1 {
		t.Errorf("%d overlaps, want 1", t1.stats.OverlapsOpen)
	}
}
