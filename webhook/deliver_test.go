package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dexetl/dexetl/access"
)

var unblinded = access.Rights{Unblinded: true}

// Every event comes once, signed, by both names of the headers, and in order.
func TestDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		e := b.add("a.example", unblinded)
		for range 40 {
			b.happens(Created(Glucose), "P001", "P002")
		}
		b.run(10 * time.Second)
		got := b.net.to("a.example")
		if len(got) != 80 {
			t.Fatalf("%d requests, want 80", len(got))
		}
		for _, p := range []string{"P001", "P002"} {
			if ns := bodies(got, p); !slices.IsSortedFunc(ns, func(x, y string) int { return len(x)*100 + int(x[0]) - len(y)*100 - int(y[0]) }) || len(ns) != 40 {
				t.Errorf("%s: %v", p, ns)
			}
		}
		secret, err := b.endpoints.Secret(e)
		check(t, err)
		w, err := standardwebhooks.NewWebhook(string(secret))
		check(t, err)
		for _, r := range got {
			if err := w.Verify([]byte(r.body), r.header); err != nil {
				t.Fatalf("%s: %v", r.body, err)
			}
			if err := w.Verify([]byte(r.body+" "), r.header); err == nil {
				t.Fatalf("%s is taken with a byte more", r.body)
			}
			for _, h := range []string{"id", "timestamp", "signature"} {
				if x := r.header.Get("svix-" + h); x == "" || x != r.header.Get("webhook-"+h) {
					t.Errorf("svix-%s is %q", h, x)
				}
			}
		}
	})
}

// What fails is tried again by the schedule, with the same id and a new timestamp, over
// restarts, and what follows it waits; others do not.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("a.example", unblinded)
		began, last := time.Now(), time.Duration(0)
		b.net.on("a.example", func(r received) answered {
			if strings.Contains(r.body, `"n":1}`) && strings.Contains(r.body, "P001") {
				return answered{status: 500}
			}
			return answered{status: 200}
		})
		b.happens(Created(Glucose), "P001", "P002")
		b.happens(Created(Glucose), "P001")
		for last < 30*time.Hour {
			b.run(13 * time.Minute) // a process after the other
			if last < time.Hour && last > 30*time.Minute {
				b.happens(Created(Glucose), "P002")
			}
			last = time.Since(began)
		}
		var at []string
		ids := make(map[string]bool)
		for _, r := range b.net.to("a.example") {
			if strings.Contains(r.body, `"n":1}`) && strings.Contains(r.body, "P001") {
				at = append(at, r.at.Sub(began).Round(time.Minute).String())
				ids[r.id()] = true
			}
		}
		want := "[0s 0s 5m0s 37m0s 2h43m0s 7h58m0s 18h28m0s 28h58m0s]"
		if fmt.Sprint(at) != want || len(ids) != 1 {
			t.Errorf("attempts at %v of %d ids, want %v of one", at, len(ids), want)
		}
		if got := bodies(b.net.to("a.example"), "P001"); got[len(got)-1] != "2" || slices.Index(got, "2") != len(got)-1 {
			t.Errorf("P001's events came as %v: the second one after the first was given up, once", got)
		}
		if got := bodies(b.net.to("a.example"), "P002"); got[0] != "1" || len(got) < 2 {
			t.Errorf("P002's event came as %v", got)
		}
	})
}

// An endpoint that is down for two days gets everything, in order; one that is down for
// five is disabled, and gets the rest when it is enabled.
func TestDownForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("two.example", unblinded)
		b.add("six.example", unblinded)
		began := time.Now()
		for host, days := range map[string]int{"two.example": 2, "six.example": 6} {
			b.net.on(host, func(r received) answered {
				if r.at.Sub(began) < time.Duration(days)*24*time.Hour {
					return answered{err: fmt.Errorf("connection refused")}
				}
				return answered{status: 204}
			})
		}
		for range 7 * 4 {
			b.happens(Created(Glucose), "P001", "P002")
			b.run(6 * time.Hour)
		}
		taken := func(host string, days int) []received {
			return slices.DeleteFunc(b.net.to(host), func(r received) bool { return r.at.Sub(began) < time.Duration(days)*24*time.Hour })
		}
		if got := bodies(taken("two.example", 2), "P001"); len(got) != 28 || got[0] != "1" || got[27] != "28" {
			t.Errorf("down for two days: %v", got)
		}
		if got := taken("six.example", 6); len(got) > 0 {
			t.Errorf("down for six days: %d came", len(got))
		}
		e, err := b.endpoints.Find(t.Context(), "ep2")
		check(t, err)
		if d := e.DisabledAt.Sub(began); e.Why != Failing || d < GiveUpAfter || d > GiveUpAfter+11*time.Hour {
			t.Errorf("disabled %q after %s", e.Why, d)
		}
		_, err = b.endpoints.Enable(t.Context(), e.ID)
		check(t, err)
		b.run(time.Minute)
		if got := bodies(taken("six.example", 6), "P002"); len(got) != 28 || got[0] != "1" || got[27] != "28" {
			t.Errorf("after it was enabled: %v", got)
		}
	})
}

// Who never answers holds up nobody else, and is let go after 15 seconds.
func TestSlowEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("slow.example", unblinded)
		b.add("fast.example", unblinded)
		b.net.on("slow.example", func(received) answered { return answered{status: 200, after: time.Hour} })
		began := time.Now()
		b.happens(Created(Glucose), "P001")
		b.happens(Created(Glucose), "P001")
		b.run(time.Minute)
		fast := b.net.to("fast.example")
		if len(fast) != 2 || fast[1].at.Sub(began) > time.Second {
			t.Errorf("the fast one: %d, the last after %s", len(fast), fast[len(fast)-1].at.Sub(began))
		}
		slow := b.net.to("slow.example")
		if len(slow) != 2 || slow[1].at.Sub(slow[0].at) < Timeout+5*time.Second || slow[1].id() != slow[0].id() {
			t.Errorf("the slow one: %d requests", len(slow))
		}
	})
}

// What answers mean.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  answered
		tries   int // within a minute
		enabled bool
	}{
		{"201", answered{status: 201}, 1, true},
		{"a redirect is no success", answered{status: 302, header: http.Header{"Location": {"https://b.example/"}}}, 2, true},
		{"410", answered{status: 410}, 1, false},
		{"503", answered{status: 503}, 2, true},
		{"503 for less than a minute", answered{status: 503, header: http.Header{"Retry-After": {"40"}}}, 2, true},
		{"503 for more", answered{status: 503, header: http.Header{"Retry-After": {"61"}}}, 1, true},
		{"429 until a date", answered{status: 429, header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:40 GMT"}}}, 2, true},
		{"429 until a later one", answered{status: 429, header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:40 GMT"}}}, 1, true},
		{"429 for days", answered{status: 429, header: http.Header{"Retry-After": {"999999999"}}}, 1, true},
		{"nobody there", answered{err: fmt.Errorf("refused")}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.store.Close()
				b.add("a.example", unblinded)
				b.net.on("a.example", func(received) answered { return tt.answer })
				b.happens(Created(Glucose), "P001")
				b.run(time.Minute)
				e, err := b.endpoints.Find(t.Context(), "ep1")
				check(t, err)
				if n := len(b.net.to("a.example")); n != tt.tries || e.Enabled() != tt.enabled || len(b.net.to("b.example")) > 0 {
					t.Errorf("%d tries, enabled %t; want %d, %t", n, e.Enabled(), tt.tries, tt.enabled)
				}
			})
		})
	}
}

// For a day after a rotation two secrets sign, then the new one alone.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		e := b.add("a.example", unblinded)
		old, err := b.endpoints.Secret(e)
		check(t, err)
		_, fresh, err := b.endpoints.Rotate(t.Context(), e.ID, "")
		check(t, err)
		verifies := func(s Secret, r received) bool {
			w, err := standardwebhooks.NewWebhook(string(s))
			check(t, err)
			return w.VerifyIgnoringTimestamp([]byte(r.body), r.header) == nil
		}
		for _, both := range []bool{true, false} {
			b.happens(Created(Glucose), "P001")
			b.run(time.Minute)
			all := b.net.to("a.example")
			if r := all[len(all)-1]; !verifies(fresh, r) || verifies(old, r) != both {
				t.Errorf("signatures %s: the new secret %t, the old one %t; want true, %t", r.header.Get("webhook-signature"), verifies(fresh, r), verifies(old, r), both)
			}
			time.Sleep(OldSecretFor)
		}
	})
}

// Each secret signs as long as was promised, also when it is rotated again; what would
// make too many signatures has to wait.
func TestRotationAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		e := b.add("a.example", unblinded)
		first, err := b.endpoints.Secret(e)
		check(t, err)
		all, until := []Secret{first}, []time.Time{}
		for range 3 {
			after, s, err := b.endpoints.Rotate(t.Context(), e.ID, "")
			check(t, err)
			all, until = append(all, s), append(until, after.OldUntil)
			time.Sleep(5 * time.Hour)
		}
		for i, s := range all {
			w, err := standardwebhooks.NewWebhook(string(s))
			check(t, err)
			for _, late := range []bool{false, true} {
				if i == len(until) && late {
					continue // the newest one
				}
				if i < len(until) {
					time.Sleep(time.Until(until[i].Add(map[bool]time.Duration{false: -2 * time.Minute, true: time.Minute}[late])))
				}
				b.happens(Created(Glucose), "P001")
				b.run(time.Minute)
				got := b.net.to("a.example")
				r := got[len(got)-1]
				if signs := w.VerifyIgnoringTimestamp([]byte(r.body), r.header) == nil; signs == late {
					t.Errorf("secret %d, after its time %t: it signs %t", i+1, late, signs)
				}
			}
		}
		for range MaxOldSecrets {
			_, _, err := b.endpoints.Rotate(t.Context(), e.ID, "")
			check(t, err)
		}
		_, _, err = b.endpoints.Rotate(t.Context(), e.ID, "")
		wait, ok := errors.AsType[*RotatedError](err)
		if !ok || !wait.From.Equal(time.Now().Add(OldSecretFor)) {
			t.Fatalf("one rotation more: %v", err)
		}
		time.Sleep(OldSecretFor)
		_, _, err = b.endpoints.Rotate(t.Context(), e.ID, "")
		check(t, err)
	})
}

// Who gets what, by rights, cohort, what they asked for, and blinding.
func TestWhoGetsWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.outbox.Blinding = func() bool { return true }
		b.add("blind.example", access.Rights{Notes: true})
		b.add("sees.example", unblinded)
		b.add("notes.example", access.Rights{Unblinded: true, Notes: true})
		b.add("a.example", access.Rights{Unblinded: true, Cohort: "A"})
		b.add("some.example", unblinded, SnapshotCreated, Updated(Glucose))
		for _, kind := range []string{Created(Glucose), Updated(Glucose), GlucoseVanished, Created(Note), Historical(Note), Historical(Glucose), ConnectionCreated} {
			b.happens(kind, "P001", "P002")
		}
		b.happens(SnapshotCreated, "")
		b.run(time.Minute)
		for host, want := range map[string]int{"blind.example": 3, "sees.example": 11, "notes.example": 15, "a.example": 6, "some.example": 3} {
			if got := len(b.net.to(host)); got != want {
				t.Errorf("%s got %d, want %d", host, got, want)
			}
		}
		for _, r := range b.net.to("a.example") {
			if strings.Contains(r.body, "P002") {
				t.Errorf("cohort A got %s", r.body)
			}
		}
	})
}

// Addresses that are not public are not dialled, however they are written.
func TestRefusedAddresses(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "fe80::1", "fe80::1%eth0",
		"100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fc00::1", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1",
		"255.255.255.255", "240.0.0.1", "ff02::1", "192.0.2.1", "198.51.100.1", "203.0.113.7", "198.18.0.1", "2001:db8::1", "fec0::1", "100::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:a00:1::1", "2001::1", "3fff::1", "5f00::1", "::ffff:0:127.0.0.1", "::ffff:0:169.254.169.254",
	} {
		if refused(netip.MustParseAddr(text)) == "" {
			t.Errorf("%s is dialled", text)
		}
	}
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::1"} {
		if why := refused(netip.MustParseAddr(text)); why != "" {
			t.Errorf("%s is refused: %s", text, why)
		}
	}
}

// A name that leads to this machine is refused when it is dialled, whatever it led to
// when the endpoint was added; with webhooks.allow_private it is not.
func TestRefusedWhenDialled(t *testing.T) {
	got := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got++ }))
	defer server.Close()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		to := strings.Replace(server.URL, "127.0.0.1", host, 1)
		for _, allow := range []bool{false, true} {
			got = 0
			d := &Deliverer{Endpoints: Endpoints{Store: newBench(t).store, AllowPrivate: allow}}
			a := d.sender().send(context.Background(), message{to: to, Event: Event{ID: "x", Body: []byte("{}")}})
			if (a.Err == nil) != allow || (got == 1) != allow {
				t.Errorf("%s, allowed %t: %v, %d requests", host, allow, a.Err, got)
			}
			if a.Err != nil && (strings.Contains(a.Err.Error(), "http://") || !strings.Contains(a.Err.Error(), "is this machine")) {
				t.Errorf("%s: %v", host, a.Err)
			}
		}
	}
}

// What may be an endpoint's URL.
func TestCheckURL(t *testing.T) {
	for text, want := range map[string][2]bool{ // as it is, and with private addresses allowed
		"https://hooks.example.org/x?y=1": {true, true}, "http://hooks.example.org/": {false, true}, "https://8.8.8.8/": {true, true},
		"https://10.0.0.1/": {false, true}, "https://[::1]:8443/": {false, true}, "https://localhost/": {false, true}, "https://a.localhost./": {false, true},
		"https://user:pw@hooks.example.org/": {false, false}, "https://hooks.example.org/#x": {false, false}, "ftp://hooks.example.org/": {false, false},
		"hooks.example.org": {false, false}, "": {false, false}, "https:///x": {false, false}, "https://" + strings.Repeat("a", 2001): {false, false}, "https://a b/": {false, false},
	} {
		for i, allow := range []bool{false, true} {
			if err := CheckURL(text, allow); (err == nil) != want[i] {
				t.Errorf("%.60q, private allowed %t: %v", text, allow, err)
			} else if err != nil && strings.Contains(err.Error(), "pw") {
				t.Errorf("%q: the error quotes it: %v", text, err)
			}
		}
	}
}
