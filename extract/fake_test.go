package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// A record of the fake is known by its system time.
type record struct{ at, uploaded time.Time }

// A fakeAPI answers for people, whose connection id is their token. It checks
// what every request must keep: windows of at most 30 days, and never two open
// requests for overlapping windows of one participant and resource.
type fakeAPI struct {
	t     testing.TB
	delay time.Duration                     // of an answer
	slow  map[dexcom.Resource]time.Duration // what is added for some

	// fault, if set, may answer in the API's place: n is how often the same
	// request was asked before. It returns ok to let the API answer.
	fault func(token string, r dexcom.Request, n int) (a dexcom.Answer, err error, ok bool)

	mu     sync.Mutex
	people map[string]map[dexcom.Resource][]record
	asked  map[string]int // request → times
	order  []string       // all requests
	open   map[string][]plan.Window
	peak   int // most requests open at a time
	now    int // open
	probes []time.Time
}

func newFake(t testing.TB) *fakeAPI {
	return &fakeAPI{t: t, delay: 300 * time.Millisecond, people: map[string]map[dexcom.Resource][]record{}, asked: map[string]int{}, open: map[string][]plan.Window{}}
}

// add gives a person a record every step from start to end, uploaded at the
// time of the record.
func (f *fakeAPI) add(token string, r dexcom.Resource, start, end time.Time, step time.Duration) {
	for at := start; at.Before(end); at = at.Add(step) {
		f.addRecord(token, r, record{at, at})
	}
}

func (f *fakeAPI) addRecord(token string, r dexcom.Resource, rec record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.people[token] == nil {
		f.people[token] = map[dexcom.Resource][]record{}
	}
	f.people[token][r] = append(f.people[token][r], rec)
}

func (f *fakeAPI) Do(ctx context.Context, token string, r dexcom.Request) (dexcom.Answer, error) {
	name := requestName(token, r)
	f.mu.Lock()
	n := f.asked[name]
	f.asked[name]++
	f.order = append(f.order, name)
	f.now++
	f.peak = max(f.peak, f.now)
	key, w := token+" "+string(r.Resource), plan.Window{Start: r.Start, End: r.End}
	for _, o := range f.open[key] {
		if !o.Intersect(w).Empty() {
			f.t.Errorf("%s was asked while %s was open", name, o)
		}
	}
	f.open[key] = append(f.open[key], w)
	f.mu.Unlock()

	err := call.Sleep(ctx, f.delay+f.slow[r.Resource])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	f.open[key] = slices.DeleteFunc(f.open[key], func(o plan.Window) bool { return o == w })
	if err != nil {
		return dexcom.Answer{}, err
	}
	if f.fault != nil {
		if a, err, ok := f.fault(token, r, n); !ok {
			a.Request, a.Date = r, time.Now().UTC().Truncate(time.Second)
			return a, err
		}
	}
	return f.answer(token, r)
}

// Probe is answered unless the fault, asked about nobody's dataRange, is that the
// API cannot be reached.
func (f *fakeAPI) Probe(ctx context.Context) (time.Time, error) {
	if err := call.Sleep(ctx, f.delay); err != nil {
		return time.Time{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.probes = append(f.probes, time.Now())
	if f.fault != nil {
		if _, err, ok := f.fault("", dexcom.Request{Resource: dexcom.DataRange}, 1<<20); !ok {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

func (f *fakeAPI) answer(token string, r dexcom.Request) (dexcom.Answer, error) {
	a := dexcom.Answer{Request: r, Date: time.Now().UTC().Truncate(time.Second)}
	switch r.Resource {
	case dexcom.DataRange:
		if !r.LastSync.IsZero() && time.Since(r.LastSync) > 31*day {
			f.t.Errorf("lastSyncTime %v is too old at %v", r.LastSync, time.Now())
		}
		a.Body = f.ranges(token, r.LastSync)
		return a, nil
	case dexcom.Devices:
		a.Body, a.Records = []byte(`{"records":[{}]}`), 1
		return a, nil
	}
	if w := (plan.Window{Start: r.Start, End: r.End}); w.Empty() || w.End.Sub(w.Start) > plan.MaxWindow {
		f.t.Errorf("%s: a window the API refuses", requestName(token, r))
		return a, &dexcom.StatusError{Path: "/" + string(r.Resource), Code: 400}
	}
	var ids []string
	for _, rec := range f.people[token][r.Resource] {
		if (plan.Window{Start: r.Start, End: r.End}).Contains(rec.at) && !rec.uploaded.After(time.Now()) {
			ids = append(ids, rec.at.Format(time.RFC3339))
		}
	}
	body, err := json.Marshal(map[string]any{"records": ids})
	a.Body, a.Records = body, len(ids)
	return a, err
}

// ranges is the body of a dataRange answer.
func (f *fakeAPI) ranges(token string, lastSync time.Time) []byte {
	body := map[string]any{"recordType": "dataRange", "recordVersion": "3.0", "userId": "u"}
	moment := func(t time.Time) map[string]string {
		return map[string]string{"systemTime": t.Format("2006-01-02T15:04:05"), "displayTime": t.Format("2006-01-02T15:04:05")}
	}
	for _, r := range []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations} {
		var at []time.Time
		for _, rec := range f.people[token][r] {
			if rec.uploaded.After(lastSync) && !rec.uploaded.After(time.Now()) {
				at = append(at, rec.at)
			}
		}
		body[string(r)] = nil
		if len(at) > 0 {
			body[string(r)] = map[string]any{
				"start": moment(slices.MinFunc(at, time.Time.Compare)), "end": moment(slices.MaxFunc(at, time.Time.Compare)),
			}
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		f.t.Error(err)
	}
	return b
}

// requestName names a request by what it asks for.
func requestName(token string, r dexcom.Request) string {
	return token + " " + plan.Call{Resource: r.Resource, Window: plan.Window{Start: r.Start, End: r.End}}.String()
}

// reset forgets what was asked and returns it, dataRange left out.
func (f *fakeAPI) reset() (asked []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.order {
		if !strings.HasSuffix(name, string(dexcom.DataRange)) {
			asked = append(asked, name)
		}
	}
	f.order, f.asked = nil, map[string]int{}
	return asked
}

// noSync waits for no disk: these tests cut no power.
func noSync(*os.File) error { return nil }

// newFetcher returns a fetcher from api into a log in dir.
func newFetcher(t testing.TB, api *fakeAPI, dir string) *Fetcher {
	t.Helper()
	log, err := raw.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	log.Fsync = noSync
	return &Fetcher{
		Clients: map[string]call.API{"us": api},
		Tokens:  fakeTokens{},
		Log:     log,
		Rand:    rand.New(rand.NewPCG(1, 2)),
	}
}

// always is what is consented where the study's dates do not count.
var always = func() plan.Window {
	start, end, _ := cohort.Consented(time.Time{}, time.Time{}, nil, cohort.HistoryAll, time.Time{}, time.Time{})
	return plan.Window{Start: start, End: end}
}()

// target is a participant whose connection bears the same id, with everything
// consented.
func target(id string) Target {
	return Target{ParticipantID: id, ConnectionID: id, App: "us", Consented: always}
}

func mustRun(t testing.TB, f *Fetcher, mode plan.Mode, targets ...Target) Report {
	t.Helper()
	report, err := f.Run(t.Context(), Run{ID: fmt.Sprintf("run at %s", time.Now()), Job: plan.Job{Mode: mode}}, targets)
	if err != nil {
		t.Fatalf("Run(%s): %v", mode, err)
	}
	return report
}

// entries returns the answers in the log, dataRange left out.
func entries(t testing.TB, log *raw.Log) (list []raw.Entry) {
	t.Helper()
	for e, err := range log.Entries(raw.Position{}) {
		if err != nil {
			t.Fatalf("Entries: %v", err)
		}
		if e.Resource != string(dexcom.DataRange) {
			list = append(list, e)
		}
	}
	return list
}

// answered returns the answers in the log without order, run and time: whose,
// for what, and with which content.
func answered(t testing.TB, log *raw.Log) []string {
	t.Helper()
	var set []string
	for _, e := range entries(t, log) {
		call := plan.Call{Resource: dexcom.Resource(e.Resource), Window: plan.Window{Start: e.WindowStart, End: e.WindowEnd}}
		set = append(set, fmt.Sprint(e.ParticipantID, " ", call, " ", e.SHA256))
	}
	slices.Sort(set)
	return set
}

// heldRecords returns the records that the newest answers in the log show for a
// participant and resource.
func heldRecords(t testing.TB, log *raw.Log, participant string, r dexcom.Resource) []string {
	t.Helper()
	held := map[string]bool{}
	for _, e := range entries(t, log) {
		if e.ParticipantID != participant || e.Resource != string(r) {
			continue
		}
		plain, err := e.Plain()
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Records []string }
		if err := json.Unmarshal(plain, &body); err != nil {
			t.Fatal(err)
		}
		for _, id := range body.Records {
			held[id] = true
		}
	}
	var ids []string
	for id := range held {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// in2026 runs test in a bubble whose clock, unlike a new bubble's, is past the
// first plausible time.
func in2026(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 34, 56, 0, time.UTC)))
		test(t)
	})
}

// What package call promises of a request.
const (
	mostTries    = 5
	missedInARow = 5 // before an outage is suspected
	longestPause = 30 * time.Second
	halfAnHour   = 30 * time.Minute // an app is waited for
)
