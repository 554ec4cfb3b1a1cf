package dexsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseChaos(t *testing.T) {
	tests := map[string]Kinds{
		"":                       0,
		"none":                   0,
		"all":                    AllData | AllTransport,
		"data":                   AllData,
		"transport":              AllTransport,
		"429, 5xx,edit":          TooMany | ServerError | Edit,
		"LATE,none,late":         Late,
		AllData.String():         AllData,
		AllTransport.String():    AllTransport,
		(Huge | Plural).String(): Huge | Plural,
	}
	for list, want := range tests {
		if got, err := ParseChaos(list); err != nil || got.Kinds != want {
			t.Errorf("ParseChaos(%q) = %s, %v; want %s", list, got.Kinds, err, want)
		}
	}
	_, err := ParseChaos("late,nonsense")
	if err == nil || !strings.Contains(err.Error(), `"nonsense"`) || !strings.Contains(err.Error(), "invalid-grant") {
		t.Errorf("ParseChaos of an unknown name: %v, want one that names it and lists all", err)
	}
}

func TestKindNamesAreComplete(t *testing.T) {
	var all Kinds
	for _, n := range kindNames() {
		if all&n.kind != 0 || strings.ContainsAny(n.name, ", ") {
			t.Errorf("kind %s is named twice or with a comma", n.name)
		}
		all |= n.kind
	}
	if all != AllData|AllTransport {
		t.Errorf("names stand for %b, want %b", all, AllData|AllTransport)
	}
}

func FuzzParseChaos(f *testing.F) {
	f.Add("all,none,429")
	f.Add(",,x")
	f.Fuzz(func(t *testing.T, list string) {
		c, err := ParseChaos(list)
		if err != nil {
			return
		}
		if again, err := ParseChaos(c.Kinds.String()); err != nil || again.Kinds != c.Kinds {
			t.Errorf("ParseChaos(%q) = %s, which parses as %s, %v", list, c.Kinds, again.Kinds, err)
		}
	})
}

// Every anomaly of the data shows in what somebody is served.
func TestEveryAnomalyShows(t *testing.T) {
	cohort := func(k Kinds, now time.Time) []byte {
		cfg := fixed(8, 6)
		cfg.Chaos = Chaos{Kinds: k, RecordRate: 0.2}
		d := newDesk(t, cfg)
		d.now = now
		var all []byte
		for i, user := range d.Users() {
			access := d.access(user)
			all = append(all, d.get("/v3/users/self/devices", access).Body.Bytes()...)
			if i > 3 {
				continue
			}
			for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
				from := dataEnd.AddDate(0, 0, -1)
				if resource != "egvs" {
					from = dataEnd.AddDate(0, 0, -10)
				}
				all = append(all, d.get(window(resource, from, dataEnd.Add(4*time.Hour)), access).Body.Bytes()...)
			}
		}
		return all
	}
	at := func(k Kinds) time.Time {
		switch k {
		case Late:
			return dataEnd.Add(4 * time.Hour)
		case Return:
			return dataEnd.AddDate(0, 0, 1)
		case Outage:
			return dataEnd.AddDate(0, 0, -1)
		}
		return dataEnd.AddDate(0, 3, 0)
	}
	marks := map[Kinds]string{
		Plural: `"recordType":"alerts"`, NoTransmitter: `"transmitterId":""`, NoUnit: `"unit":""`, NoValue: `"value":""`,
		ExerciseMinus: `"value":"-1.00"`, NoSubtype: `"eventType":"insulin","eventSubType":null`, Note: `"eventType":"note"`,
		HealthValue: `"value":"1"`, ExtraFields: `"links":{"next":null}`, CapitalTrigger: `"SecondaryTriggerCondition"`, DoubleSettings: `"snooze":28`,
		BadRecords: `"garbled `, Ticks: `"transmitterTicks":0`, Enums: `"displayDevice":"touchscreenReceiver"`,
		TextNumbers: `"transmitterTicks":"`, Nulls: `"value":null,"status":"low"`,
	}
	calm := map[time.Time][]byte{}
	for _, n := range kindNames() {
		if AllData&n.kind == 0 {
			continue
		}
		now := at(n.kind)
		if calm[now] == nil {
			calm[now] = cohort(0, now)
		}
		got := cohort(n.kind, now)
		if bytes.Equal(got, calm[now]) {
			t.Errorf("chaos %s changes nothing", n.name)
		}
		if mark := marks[n.kind]; !bytes.Contains(got, []byte(mark)) || mark != "" && bytes.Contains(calm[now], []byte(mark)) {
			t.Errorf("chaos %s: want %s with it and not without it", n.name, mark)
		}
	}
}

// Bad records are beside good ones in every resource, in each of three ways.
func TestBadRecords(t *testing.T) {
	cfg := fixed(4, 20)
	cfg.Chaos = Chaos{Kinds: BadRecords, RecordRate: 0.05}
	d := newDesk(t, cfg)
	ways, good := map[string]int{}, 0
	for truth := range d.Truth() {
		for _, r := range truth.Rejects {
			ways[r.Resource+" "+r.Reason]++
		}
		good += len(truth.EGVs)
	}
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		for _, reason := range []string{"unreadable systemTime", "no systemTime", "not an object"} {
			if resource != "calibrations" && ways[resource+" "+reason] == 0 {
				t.Errorf("no reject of %s: %s in %v", resource, reason, ways)
			}
		}
	}
	calm := newDesk(t, fixed(4, 20))
	for truth := range calm.Truth() {
		good -= len(truth.EGVs)
	}
	if good != 0 {
		t.Errorf("%d good EGVs more than without bad ones, want the same", good)
	}
}

func TestOneDevice(t *testing.T) {
	cfg := fixed(4, 3)
	cfg.OneDevice = true
	d := newDesk(t, cfg)
	truth, _ := d.TruthOf("P004")
	if len(truth.Devices) != 1 || len(truth.EGVs) == 0 {
		t.Errorf("%d devices and %d EGVs, want the phone and its EGVs", len(truth.Devices), len(truth.EGVs))
	}
	alone, _ := d.TruthOf("P003")
	if len(alone.Devices) != 1 || alone.Devices[0].Device != "receiver" {
		t.Errorf("who has a receiver alone keeps it, got %v", alone.Devices)
	}
}

// wreck is a server in which everything meets the one fault k once.
func wreck(t *testing.T, k Kinds) (*Server, *client) {
	t.Helper()
	s, h := start(t, Config{
		Seed: 3, Participants: 1, Days: 3, End: dataEnd, Now: func() time.Time { return dataEnd.AddDate(0, 1, 0) },
		Chaos: Chaos{Kinds: k, FaultRate: 1, MaxFaults: 1, Slow: 30 * time.Millisecond, Huge: 3 << 20},
	})
	return s, newClient(t, s, h, "P001")
}

// Each fault looks as it should, and the next try gets the whole answer.
func TestFaults(t *testing.T) {
	type seen struct {
		answer *http.Response
		body   []byte
		err    error // of asking or reading
		json   bool  // the body is JSON
	}
	header := func(name, want string) func(seen) bool {
		return func(s seen) bool { return strings.HasPrefix(s.answer.Header.Get(name), want) }
	}
	tests := map[Kinds]struct {
		status int
		check  func(seen) bool
	}{
		TooMany:      {429, func(s seen) bool { return len(s.body) == 0 }},
		ServerError:  {0, func(s seen) bool { return s.answer.StatusCode >= 500 && bytes.Contains(s.body, []byte("<html>")) }},
		Unauthorized: {401, func(s seen) bool { return string(s.body) == `{"error":"invalid_token"}` }},
		HTML:         {200, header("Content-Type", "text/html")},
		Cut:          {200, func(s seen) bool { return !s.json }},
		CutGzip:      {200, func(s seen) bool { return s.err != nil && !s.json }},
		ContentType:  {200, func(s seen) bool { return s.json && header("Content-Type", "text/html")(s) }},
		Envelope:     {200, func(s seen) bool { return s.json && !bytes.Contains(s.body, []byte(`"records"`)) }},
		Slow:         {200, func(s seen) bool { return s.json && bytes.Contains(s.body, []byte(`"recordId"`)) }},
		Reset:        {0, func(s seen) bool { return s.err != nil && !s.json }},
		Huge:         {200, func(s seen) bool { return len(s.body) > 3<<20 && !s.json }},
		Empty:        {200, func(s seen) bool { return s.json && bytes.Contains(s.body, []byte(`"records":[]`)) }},
	}
	for _, n := range kindNames() {
		if AllTransport&n.kind == 0 || n.kind == InvalidGrant {
			continue
		}
		t.Run(n.name, func(t *testing.T) {
			_, c := wreck(t, n.kind)
			path, test := window("egvs", dataEnd.AddDate(0, 0, -3), dataEnd), tests[n.kind]
			var got seen
			if got.answer, got.err = c.get(path); got.err == nil {
				got.body, got.err = io.ReadAll(got.answer.Body)
				got.answer.Body.Close()
				got.json = json.Valid(got.body)
				if test.status != 0 && got.answer.StatusCode != test.status {
					t.Errorf("status %d, want %d", got.answer.StatusCode, test.status)
				}
			}
			if got.answer == nil && n.kind != Reset || got.answer != nil && !test.check(got) {
				t.Errorf("first answer: %v, %d bytes, JSON %t, %v", got.answer, len(got.body), got.json, got.err)
			}
			if n.kind == Unauthorized {
				c.refresh()
			}
			if e := c.ask(path); len(e.Records) < 500 {
				t.Errorf("second answer: %d records, want three days of them", len(e.Records))
			}
		})
	}
}

// A 429 asks for patience in seconds, as a date, or not at all.
func TestRetryAfterForms(t *testing.T) {
	cfg := fixed(1, 1)
	cfg.Chaos = Chaos{Kinds: TooMany, FaultRate: 1, MaxFaults: 1, RetryAfter: 90 * time.Second}
	d := newDesk(t, cfg)
	access, forms := d.access("P001"), map[string]int{}
	for i := range 40 {
		w := d.get(window("egvs", dataEnd.AddDate(0, 0, -i-2), dataEnd.AddDate(0, 0, -i-1)), access)
		forms[w.Header().Get("Retry-After")]++
	}
	date := d.now.Add(90 * time.Second).UTC().Format(http.TimeFormat)
	if forms["90"] == 0 || forms[date] == 0 || forms[""] == 0 || len(forms) != 3 {
		t.Errorf("Retry-After in 40 answers: %v, want 90, %s and none", forms, date)
	}
}

// A question meets at most MaxFaults faults, each time the same ones, and a
// share of all questions meets none.
func TestFaultsEnd(t *testing.T) {
	cfg := fixed(1, 1)
	cfg.Chaos = Chaos{Kinds: AllTransport, MaxFaults: 3}
	first, second := newFaults(cfg.withDefaults()), newFaults(cfg.withDefaults())
	p := &person{name: "P001"}
	calm, most := 0, 0
	for i := range int64(400) {
		q := question{person: p, resource: "egvs", window: interval{i, i + 1}}
		n := 0
		for try := range 6 {
			a, _ := first.next(q, true)
			if b, _ := second.next(q, true); a != b {
				t.Fatalf("question %d, try %d: %s and %s", i, try, a, b)
			}
			if a != 0 {
				n++
			}
			if try >= 3 && a != 0 {
				t.Fatalf("question %d: %s at try %d, want at most 3 faults", i, a, try)
			}
		}
		if n == 0 {
			calm++
		}
		most = max(most, n)
	}
	if calm < 240 || calm > 320 || most != 3 {
		t.Errorf("%d of 400 questions met no fault, want about 280; the most was %d, want 3", calm, most)
	}
}

// A good refresh token is refused once, and is still good.
func TestTransientInvalidGrant(t *testing.T) {
	cfg := fixed(1, 1)
	cfg.Strict = true
	cfg.Chaos = Chaos{Kinds: InvalidGrant, FaultRate: 1}
	d := newDesk(t, cfg)
	token := refreshForm(d.RefreshToken("P001"))
	d.want("first try", token, 400, "invalid_grant")
	d.want("second try", token, 200, "")
	if got := d.Stats().Reused; got != 0 {
		t.Errorf("Stats().Reused = %d, want 0: the token had not been spent", got)
	}
}

// A slow answer takes its time by the clock and ends with the client's.
func TestSlowTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := fixed(1, 1)
		cfg.Chaos = Chaos{Kinds: Slow, FaultRate: 1, Slow: time.Hour}
		d := newDesk(t, cfg)
		access, begin := d.access("P001"), time.Now()
		w := d.get("/v3/users/self/dataRange", access)
		if took := time.Since(begin); took != time.Hour || !json.Valid(w.Body.Bytes()) {
			t.Errorf("slow answer after %s: %s, want a whole one after an hour", took, w.Body)
		}
	})
}
