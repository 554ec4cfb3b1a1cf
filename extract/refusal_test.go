package extract

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

func windowedResources() []dexcom.Resource {
	return []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts}
}

func allResources() []dexcom.Resource { return append(windowedResources(), dexcom.Devices) }

// wide gives a person a year of all kinds of records.
func wide(api *fakeAPI, token string) {
	end := time.Now().Truncate(time.Second).Add(-2 * day)
	for _, r := range windowedResources() {
		api.add(token, r, end.Add(-365*day), end, day)
	}
}

// A resource that is refused ends for this person and in this run. All others are
// fetched whole and nothing under way is lost, whichever of them answers first; so
// is everything of others. The next run asks for the resource again with one call,
// and for nothing else; when it is given again, all of it comes.
func TestOneResourceRefused(t *testing.T) {
	everything := allResources()
	for _, code := range []int{400, 401, 403, 404, 410, 422} {
		for i, refused := range everything {
			slows := []dexcom.Resource{""}
			if code <= 401 || !Raced { // a refused token is renewed; the other codes are told apart by nobody
				slows = append(slows, everything[(i+1)%5], refused)
			}
			for _, slow := range slows {
				t.Run(fmt.Sprintf("%d for %s, slow %s", code, refused, slow), func(t *testing.T) {
					in2026(t, func(t *testing.T) { oneResourceRefused(t, code, refused, slow) })
				})
			}
		}
	}
}

func oneResourceRefused(t *testing.T, code int, refused, slow dexcom.Resource) {
	api := newFake(t)
	wide(api, "P1")
	wide(api, "P2")
	given, asked := false, 0
	api.slow = map[dexcom.Resource]time.Duration{slow: 90 * time.Second}
	api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
		if token != "P1" || r.Resource != refused {
			return dexcom.Answer{}, nil, true
		}
		asked++
		return dexcom.Answer{}, &dexcom.StatusError{Path: "/x", Code: code, Detail: "no"}, given
	}
	f := newFetcher(t, api, t.TempDir())
	report := mustRun(t, f, plan.Backfill, target("P1"), target("P2"))
	p1, p2 := report.Participants[0], report.Participants[1]
	of := 13
	if refused == dexcom.Devices {
		of = 1
	}
	if report.Outcome != Partial || p2.Err != nil || p2.Open > 0 || p1.Open != of || !p1.OnlyRefused() || !p1.Ended {
		t.Errorf("outcome %s, P1 %d open (%v), P2 %d (%v); want partial, %d and 0", report.Outcome, p1.Open, p1.Err, p2.Open, p2.Err, of)
	}
	if fmt.Sprint(p1.Refused) != fmt.Sprint([]Refusal{{refused, code, "no"}}) {
		t.Errorf("refused: %+v; want %s, %d", p1.Refused, refused, code)
	}
	for _, r := range allResources() {
		if got := slices.ContainsFunc(entries(t, f.Log), func(e raw.Entry) bool { return e.ParticipantID == "P1" && e.Resource == string(r) }); got == (r == refused) {
			t.Errorf("%s of P1 in the log: %t", r, got)
		}
	}
	api.reset()
	again := target("P1")
	again.Refused = []dexcom.Resource{refused, "steps"}
	asked = 0
	report = mustRun(t, f, plan.Backfill, again)
	most := 1
	if code == 401 {
		most = 2 // the token is renewed once
	}
	if names := api.reset(); asked != most || len(names) != most || !report.Participants[0].OnlyRefused() {
		t.Errorf("next run: asked %v, %v; want %s once", names, report.Participants[0].Err, refused)
	}
	given = true
	report = mustRun(t, f, plan.Backfill, again)
	if names := api.reset(); report.Outcome != Done || len(names) != of || len(report.Participants[0].Refused) > 0 {
		t.Errorf("when it is given: %s, asked %v, refused %v; want done with %d windows", report.Outcome, names, report.Participants[0].Refused, of)
	}
}

// A window that is refused for a reason of its own keeps the others of its
// resource waiting only for a while, whichever it is.
func TestOneWindowRefused(t *testing.T) {
	for bad := range 13 {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			wide(api, "P1")
			at := time.Now().Add(-2*day - 365*day + time.Duration(bad)*plan.MaxWindow + day)
			api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
				return dexcom.Answer{}, &dexcom.StatusError{Code: 422}, r.Resource != dexcom.EGVs || !(plan.Window{Start: r.Start, End: r.End}).Contains(at)
			}
			f := newFetcher(t, api, t.TempDir())
			who := target("P1")
			for range 30 {
				report := mustRun(t, f, plan.Backfill, who)
				if report.Open == 1 {
					return
				}
				who.Refused = []dexcom.Resource{dexcom.EGVs}
			}
			t.Errorf("window %d is refused: after 30 runs others are not there either", bad)
		})
	}
}

// Refused dataRange ends the person at once, and nobody else.
func TestRangesRefused(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Backfill, plan.Sync, plan.Refresh} {
		for _, code := range []int{400, 403, 404, 422} {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				wide(api, "P1")
				wide(api, "P2")
				api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
					return dexcom.Answer{}, &dexcom.StatusError{Code: code}, token != "P1" || r.Resource != dexcom.DataRange
				}
				who := target("P1")
				who.Consented = plan.Window{Start: time.Now().Add(-20 * day), End: time.Now()}
				report := mustRun(t, newFetcher(t, api, t.TempDir()), mode, who, target("P2"))
				p1, p2 := report.Participants[0], report.Participants[1]
				if p1.Calls != 1 || !p1.OnlyRefused() || p1.Refused[0].Resource != dexcom.DataRange || p2.Err != nil || p2.Fetched == 0 || report.Outcome != Partial {
					t.Errorf("%s, %d: outcome %s, P1 %+v, P2 %+v; want one call of P1 and all of P2", mode, code, report.Outcome, p1, p2)
				}
			})
		}
	}
}

// What another run may cure goes before what it cannot: so nobody is told that
// nothing helps while something does.
func TestRefusalsAreNotTheOnlyError(t *testing.T) {
	for _, first := range []dexcom.Resource{dexcom.EGVs, dexcom.Events} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			wide(api, "P1")
			api.slow = map[dexcom.Resource]time.Duration{first: time.Minute}
			api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
				switch r.Resource {
				case dexcom.EGVs:
					return dexcom.Answer{}, &dexcom.StatusError{Code: 500}, false
				case dexcom.Events, dexcom.Alerts:
					return dexcom.Answer{}, &dexcom.StatusError{Code: 403}, false
				}
				return dexcom.Answer{}, nil, true
			}
			p := mustRun(t, newFetcher(t, api, t.TempDir()), plan.Backfill, target("P1")).Participants[0]
			if len(p.Refused) != 2 || p.OnlyRefused() || !strings.Contains(p.Err.Error(), "500") {
				t.Errorf("%s slow: %v, refused %v; want the 500 and both refusals", first, p.Err, p.Refused)
			}
		})
	}
}

// A token that fails for one window ends the person, but nothing under way.
func TestTokenErrorKeepsWhatIsUnderWay(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		wide(api, "P1")
		api.delay = time.Minute
		f := newFetcher(t, api, t.TempDir())
		asked := 0
		f.Tokens = fakeTokens{token: func(c string) (string, error) {
			if asked++; asked > 6 {
				return "", &consent.NeedsReconsentError{ParticipantID: c}
			}
			return c, nil
		}}
		report := mustRun(t, f, plan.Backfill, target("P1"))
		if report.Answers != 6 || report.Calls != 6 || report.Outcome != ConsentMissing {
			t.Errorf("outcome %s, %d answers of %d calls; want 6 of 6", report.Outcome, report.Answers, report.Calls)
		}
	})
}

// Months without a record between the first and the last are asked for once. An
// empty answer where a record must be is asked for again; whatever is empty, a
// person gets one remark.
func TestMonthsThatAreEmpty(t *testing.T) {
	for _, lost := range [][]dexcom.Resource{nil, {dexcom.EGVs}, {dexcom.EGVs, dexcom.Events, dexcom.Calibrations}} {
		for _, mode := range []plan.Mode{plan.Backfill, plan.Sync} {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				end := time.Now().Truncate(time.Second).Add(-2 * day)
				for _, r := range []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations} {
					api.add("P1", r, end.Add(-700*day), end.Add(-697*day), time.Hour)
					api.add("P1", r, end.Add(-day), end, time.Hour)
				}
				api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
					return dexcom.Answer{Body: []byte(`{"records":[]}`)}, nil, !slices.Contains(lost, r.Resource)
				}
				f := newFetcher(t, api, t.TempDir())
				p := mustRun(t, f, mode, target("P1")).Participants[0]
				if want := p.Planned + 1 + 2*len(lost); p.Calls != want || p.Planned < 4*24 || p.Err != nil {
					t.Errorf("%s, %v lost: %d calls for %d windows (%v); want %d: one each, the first and last of what is lost again", mode, lost, p.Calls, p.Planned, p.Err, want)
				}
				if len(p.Flags) > 1 || (len(p.Flags) == 1) != (len(lost) > 0) {
					t.Errorf("%s, %v lost: flags %v; want one at most", mode, lost, p.Flags)
				}
			})
		}
	}
}

// A window whose answer is too large is asked for in halves, down to a day. What
// is too large even then is told and stays open; all else is held, and the next run
// asks for what is open alone.
func TestTooLarge(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit time.Duration // windows longer than it are too large, if they hold the instant
		days  float64       // the instant, before now
		open  int
	}{
		{"one month", 29 * day, 200, 0}, {"a week", 7 * day, 200, 0}, {"a day", day, 3.3, 0}, {"even a day", time.Hour, 100.7, 1},
	} {
		for _, resource := range windowedResources() {
			in2026(t, func(t *testing.T) {
				api := newFake(t)
				wide(api, "P1")
				at := time.Now().Add(-time.Duration(tt.days * float64(day)))
				api.fault = func(_ string, r dexcom.Request, n int) (dexcom.Answer, error, bool) {
					w := plan.Window{Start: r.Start, End: r.End}
					large := r.Resource == resource && w.Contains(at) && w.End.Sub(w.Start) > tt.limit
					if large && n > 0 {
						t.Errorf("%s %v was too large and is asked for again", resource, w)
					}
					return dexcom.Answer{}, &dexcom.BodyError{Reason: "cannot be unpacked", Err: &dexcom.SizeError{Limit: 32 << 20}}, !large
				}
				f := newFetcher(t, api, t.TempDir())
				report := mustRun(t, f, plan.Backfill, target("P1"))
				p := report.Participants[0]
				if p.Open != tt.open || p.Planned != p.Fetched+p.Open || len(p.Refused) != tt.open || p.OnlyRefused() != (tt.open > 0) {
					t.Errorf("%s of %s: %d open, %+v (%v); want %d", tt.name, resource, p.Open, p.Counts, p.Refused, tt.open)
				}
				if got := len(heldRecords(t, f.Log, "P1", resource)); got < 365-tt.open {
					t.Errorf("%s of %s: %d records held, want all but those of %d days", tt.name, resource, got, tt.open)
				}
				api.asked = map[string]int{}
				api.reset()
				mustRun(t, f, plan.Backfill, target("P1"))
				if names := api.reset(); len(names) != tt.open {
					t.Errorf("%s of %s: the next run asked %v; want %d windows", tt.name, resource, names, tt.open)
				}
			})
		}
	}
}

// No content is an answer only where dataRange says that there is nothing: the
// resource has no records, or all of them are elsewhere. Of what dataRange does not
// speak, and between the first record and the last, it is an error of that window.
func TestNoContent(t *testing.T) {
	end := func() time.Time { return time.Now().Truncate(time.Second).Add(-100 * day) }
	for _, tt := range []struct {
		name     string
		resource dexcom.Resource
		first    time.Duration // of its records, before end; 0: it has none
		last     time.Duration
		open     int // of the windows of 60 days before end
	}{
		{"no records", dexcom.Events, 0, 0, 0},
		{"later", dexcom.Events, -2 * day, -40 * day, 0},
		{"before", dexcom.Calibrations, 300 * day, 90 * day, 0},
		{"in both", dexcom.EGVs, 50 * day, 2 * day, 2},
		{"in the older one", dexcom.EGVs, 200 * day, 45 * day, 1},
		{"around", dexcom.Calibrations, 300 * day, -50 * day, 2},
		{"not told", dexcom.Alerts, 0, 0, 2},
	} {
		in2026(t, func(t *testing.T) {
			api := newFake(t)
			api.add("P1", dexcom.EGVs, end().Add(-500*day), end().Add(90*day), 20*day)
			if tt.first != 0 {
				delete(api.people["P1"], tt.resource)
				api.add("P1", tt.resource, end().Add(-tt.first), end().Add(-tt.last+1), max(day, tt.first-tt.last))
				api.addRecord("P1", tt.resource, record{end().Add(-tt.last), time.Now()})
			}
			api.fault = func(_ string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
				return dexcom.Answer{NoContent: true}, nil, r.Resource != tt.resource
			}
			f := newFetcher(t, api, t.TempDir())
			who := target("P1")
			who.Interval = plan.Window{Start: end().Add(-60 * day), End: end()}
			report := mustRun(t, f, plan.Refresh, who)
			p := report.Participants[0]
			if p.Open != tt.open || p.Fetched != 8-tt.open || (report.Outcome == Done) != (tt.open == 0) || len(p.Refused) != 0 {
				t.Errorf("%s: %s, %+v, %v; want %d open", tt.name, report.Outcome, p.Counts, p.Err, tt.open)
			}
			kept := 0
			for _, e := range entries(t, f.Log) {
				if e.Resource == string(tt.resource) {
					kept++
					if plain, err := e.Plain(); err != nil || len(plain) > 0 || e.Status != 204 || e.Records != 0 {
						t.Errorf("%s: kept with status %d, %d records, body %q, %v; want 204 and nothing", tt.name, e.Status, e.Records, plain, err)
					}
				}
			}
			if kept != 2-tt.open {
				t.Errorf("%s: %d answers kept, want %d", tt.name, kept, 2-tt.open)
			}
		})
	}
}
