package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/state"
)

// The id of an event is a contract with receivers: it never changes.
func TestEventID(t *testing.T) {
	if got := EventID(team, 7, Created(Glucose), "P001", "0"); got != "msg_462c30d53bb830a41269de086e1f4f97" {
		t.Errorf("EventID = %s", got)
	}
	seen := make(map[string]bool)
	for _, id := range []string{
		EventID(team, 7, Created(Glucose), "P001", "0"), EventID(team, 8, Created(Glucose), "P001", "0"), EventID(team, 7, Updated(Glucose), "P001", "0"),
		EventID(team, 7, Created(Glucose), "P002", "0"), EventID(team, 7, Created(Glucose), "P001", "1"), EventID(team, 7, Created(Glucose), "P00", "10"),
		EventID(team, 71, Created(Glucose), "P001", "0"),
	} {
		if seen[id] || len(id) != 36 || strings.Contains(id, ".") {
			t.Errorf("%s", id)
		}
		seen[id] = true
	}
}

// What is put in again is there once, and is not sent again.
func TestPutInAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("a.example", unblinded)
		for range 3 {
			b.n = 0
			b.happens(Created(Glucose), "P001", "P002")
			b.happens(SnapshotCreated, "")
			b.run(time.Minute)
		}
		if n := len(b.net.to("a.example")); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
		if at, ok, err := b.outbox.Position(t.Context()); at != 2 || !ok || err != nil {
			t.Errorf("position %d, %t, %v", at, ok, err)
		}
	})
}

// What an endpoint gets begins when it is added, waits while it is disabled, and comes
// again by a replay; after 30 days, and with a withdrawal, it is gone.
func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("first.example", unblinded)
		b.happens(Created(Glucose), "P001", "P002")
		time.Sleep(time.Hour)
		e := b.add("second.example", access.Rights{Unblinded: true, Cohort: "A"})
		_, err := b.endpoints.Disable(t.Context(), e.ID)
		check(t, err)
		b.happens(Created(Glucose), "P001", "P002")
		b.run(time.Minute)
		came := func(step string, first, second int) {
			t.Helper()
			if f, s := len(b.net.to("first.example")), len(b.net.to("second.example")); f != first || s != second {
				t.Errorf("%s: %d and %d came, want %d and %d", step, f, s, first, second)
			}
		}
		came("while the second is disabled", 4, 0)
		_, err = b.endpoints.Enable(t.Context(), e.ID)
		check(t, err)
		b.run(time.Minute)
		came("when it is enabled", 4, 1)
		n, err := b.outbox.Replay(t.Context(), e, time.Now().Add(-30*time.Minute))
		check(t, err)
		b.run(time.Minute)
		came(fmt.Sprint("after a replay of ", n), 4, 2)
		n, err = b.outbox.Replay(t.Context(), e, time.Time{})
		check(t, err)
		b.run(time.Minute)
		came(fmt.Sprint("after a replay of all ", n), 4, 4)
		check(t, b.outbox.Sweep(t.Context(), []string{"P002"}))
		all, err := b.endpoints.Deliveries(t.Context(), 0, "", 0)
		check(t, err)
		if len(all) != 4 || slices.ContainsFunc(all, func(d Delivery) bool { return d.Participant != "P001" || d.State() != "delivered" }) {
			t.Errorf("after P002 withdrew: %v", all)
		}
		time.Sleep(KeptFor + time.Hour)
		check(t, b.outbox.Sweep(t.Context(), nil))
		if all, err = b.endpoints.Deliveries(t.Context(), 0, "", 0); err != nil || len(all) > 0 {
			t.Errorf("after 30 days: %v, %v", all, err)
		}
	})
}

// Parts are no longer than 20 kB, hold every sample once and in order, and are the same
// when they are made again.
func TestParts(t *testing.T) {
	made := func(n, long int) (events []Event) {
		p := &Parts{Of: subjectOf("P001"), Kind: Created(Glucose), Source: "here", Snapshot: 3, Put: func(e Event) error { events = append(events, e); return nil }}
		for i := range n {
			check(t, p.Add(fmt.Sprintf("%d %s", i, strings.Repeat("x", long))))
		}
		check(t, p.End())
		return events
	}
	for _, tt := range []struct{ samples, long, parts int }{{0, 0, 0}, {1, 100, 1}, {2000, 130, 15}, {3, 30_000, 3}} {
		events, next := made(tt.samples, tt.long), 0
		if len(events) != tt.parts {
			t.Errorf("%d samples of %d: %d parts, want %d", tt.samples, tt.long, len(events), tt.parts)
		}
		for i, e := range events {
			var body struct{ Data struct{ Data []string } }
			check(t, json.Unmarshal(e.Body, &body))
			for _, s := range body.Data.Data {
				if !strings.HasPrefix(s, fmt.Sprint(next, " ")) {
					t.Fatalf("%.10q stands where sample %d should", s, next)
				}
				next++
			}
			if len(e.Body) > MaxBody && len(body.Data.Data) > 1 || e.ID != EventID(team, 3, Created(Glucose), "P001", fmt.Sprint(i)) {
				t.Errorf("part %d: %s, %d bytes", i, e.ID, len(e.Body))
			}
		}
		if next != tt.samples {
			t.Errorf("%d of %d samples", next, tt.samples)
		}
	}
}

// Secrets show themselves nowhere, and lie sealed in the state.
func TestSecrets(t *testing.T) {
	b := newBench(t)
	defer b.store.Close()
	e, s, err := b.endpoints.Add(context.Background(), Endpoint{URL: "https://a.example/private"}, "")
	check(t, err)
	text, err := json.Marshal(s)
	check(t, err)
	if all := fmt.Sprintf("%v %s %q %#v %x %s", s, s, s, s, s, text); strings.Contains(all, string(s)) || strings.Contains(all, "whsec") {
		t.Errorf("%s", all)
	}
	for _, wrong := range []Secret{"whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=", "whsec_%%%"} {
		if _, _, err := b.endpoints.Rotate(t.Context(), e.ID, wrong); err == nil || len(wrong) > 6 && strings.Contains(err.Error(), string(wrong)) {
			t.Errorf("%s: %v", string(wrong), err)
		}
	}
	held, err := state.One(t.Context(), b.store, state.ScanText, "select cast(secret as text) from webhook_endpoints")
	check(t, err)
	if !strings.HasPrefix(held, "sealed ") {
		t.Errorf("the secret lies open")
	}
	for range MaxEndpoints - 1 {
		b.add("more.example", access.Rights{})
	}
	if _, _, err := b.endpoints.Add(context.Background(), Endpoint{URL: "https://a.example/"}, ""); err != ErrTooMany {
		t.Errorf("endpoint %d: %v", MaxEndpoints+1, err)
	}
}

// An endpoint that wants a few events a second gets no more.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		e := b.add("a.example", unblinded)
		_, err := b.endpoints.Edit(t.Context(), e.ID, func(e *Endpoint) { e.PerSecond = 2 })
		check(t, err)
		check(t, b.endpoints.SetHeaders(t.Context(), e.ID, map[string]string{"X-Proxy-Key": "k"}))
		for range 10 {
			b.happens(Created(Glucose), "P001", "P002")
		}
		b.run(time.Minute)
		got := b.net.to("a.example")
		if took := got[len(got)-1].at.Sub(got[0].at); len(got) != 20 || took < 9*time.Second || took > 15*time.Second || got[3].header.Get("X-Proxy-Key") != "k" {
			t.Errorf("%d events in %s", len(got), took)
		}
	})
}

// What URLs, headers and lists of events may be is decided without a panic, and what is
// taken is within the limits.
func FuzzInputs(f *testing.F) {
	f.Add("https://hooks.example.org/x", "X-Key", "value", "3")
	f.Add("http://[::ffff:127.0.0.1%25eth0]:1/#", "webhook-id", "\r\n", "Sat, 01 Jan 2000 00:00:40 GMT")
	f.Add("https://0x7f.1/", "", "é", "-1")
	f.Fuzz(func(t *testing.T, url, name, value, after string) {
		if CheckURL(url, false) == nil && (CheckURL(url, true) != nil || !strings.HasPrefix(strings.ToLower(url), "https:")) {
			t.Errorf("%q is taken", url)
		}
		if checkHeaders(map[string]string{name: value}) == nil && strings.ContainsAny(name+value, "\r\n\x00") {
			t.Errorf("header %q: %q is taken", name, value)
		}
		_, _ = checkKinds([]string{name})
		h := map[string][]string{"Retry-After": {after}}
		if d := retryAfter(h, time.Unix(0, 0)); d < 0 || d > longestWait {
			t.Errorf("Retry-After %q: %s", after, d)
		}
	})
}
