package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// An interference stands between dexetl and the API.
type interference struct {
	api http.Handler
	now func() time.Time

	mu      sync.Mutex
	users   []string // userIds in the order in which they were seen first
	stray   string   // answers of this user
	of      string   // to requests for this resource ("": all) are another's
	refuses string   // the token endpoint answers everything with this; "": it does not
	ahead   time.Duration
}

var userID = regexp.MustCompile(`"userId":"([^"]+)"`)

func (i *interference) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuses != "" && strings.HasSuffix(r.URL.Path, "/token") {
		w.Header().Set("Date", i.now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(i.refuses))
		return
	}
	r.Header.Set("Accept-Encoding", "identity")
	answer := httptest.NewRecorder()
	i.api.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if found := userID.FindSubmatch(body); found != nil {
		user := string(found[1])
		if !strings.Contains(strings.Join(i.users, " "), user) {
			i.users = append(i.users, user)
		}
		if user == i.stray && strings.HasSuffix(r.URL.Path, i.of) {
			body = bytes.Replace(body, []byte(user), []byte(strings.Repeat("f", len(user))), 1)
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	if date, err := http.ParseTime(w.Header().Get("Date")); err == nil && i.ahead != 0 {
		w.Header().Set("Date", date.Add(i.ahead).Format(http.TimeFormat))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Code)
	w.Write(body)
}

func (i *interference) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// interfere puts an interference before the bench's API.
func (b *bench) interfere() *interference {
	b.t.Helper()
	i := &interference{api: b.api, now: func() time.Time { return *b.clock.Load() }}
	server := httptest.NewServer(i)
	b.t.Cleanup(server.Close)
	b.env["DEXETL_API_BASE_URL"] = server.URL
	return i
}

// Answers of another account stop their participant and nobody else; they are kept;
// and to confirm that the account is meant opens a new connection.
func TestAnswersOfAnotherAccount(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for _, resource := range []string{"dataRange", "alerts"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			b := newBenchAt(t, dexsim.Config{Seed: 12, Participants: 3, Days: 10, End: demoNow}, demoNow.AddDate(0, 0, -4))
			i := b.interfere()
			b.must("backfill", "P001")
			b.must("backfill")
			i.set(func() { i.stray, i.of = i.users[0], resource })
			b.now = b.now.Add(30 * time.Hour)
			held := b.query("select participant_id, count(*) from egvs group by 1 order by 1")

			code, _, stderr := b.run("sync")
			for _, said := range []string{"P001: ", "another Dexcom account", "next: dexetl connect P001 --confirm\n"} {
				if code != exitPartial || !strings.Contains(stderr, said) {
					t.Fatalf("sync: exit %d, want %d and %q\n%s", code, exitPartial, said, stderr)
				}
			}
			now := b.query("select participant_id, count(*) from egvs group by 1 order by 1")
			if last := len(held) - 1; last == 0 || now[last][1] == held[last][1] {
				t.Errorf("egvs by participant went from %v to %v: the others' should grow", held, now)
			}
			if list := b.must("status"); !strings.Contains(list, "an answer of another account came") || !strings.Contains(list, "dexetl connect P001 --confirm") {
				t.Errorf("status does not tell of it:\n%s", list)
			}
			b.exits("status --check", exitPartial)
			before := b.requests()
			code, _, stderr = b.run("sync", "P001")
			if code != exitPartial || b.requests() != before || !strings.Contains(stderr, "dexetl connect P001 --confirm") {
				t.Errorf("sync P001: exit %d after %d requests, want %d and none\n%s", code, b.requests()-before, exitPartial, stderr)
			}

			if resource != "dataRange" { // it was one answer, mixed up: the account is the one of before
				i.set(func() { i.stray = "" })
				b.must("connect", "P001", "--confirm", "--reason", "looked")
				b.must("sync")
				if g := b.grants(); len(g) != 3 || holders(g) != "P001 P002 P003" || g[0].Status != consent.Connected {
					t.Errorf("connections %+v, want the three of before", g)
				}
				return
			}
			i.set(func() { i.of = "" })
			b.must("connect", "P001", "--confirm", "--reason", "a new account")
			g := b.grants()
			if len(g) != 4 || g[0].Status != consent.Ended || g[0].held || !g[1].held || g[1].BegunBecause != "a new account" {
				t.Errorf("connections %+v, want that the first of P001 has ended and a new one has the grant", g)
			}
			b.now = b.now.Add(24 * time.Hour)
			b.must("sync")
		})
	}
}

// A clock that is a day off is refused by connecting, as it is by a sync; the grant
// is kept, and is looked at once the clock is right.
func TestConnectChecksTheClock(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := unconnected(t)
	i := b.interfere()
	i.set(func() { i.ahead = 25 * time.Hour })
	code, _, stderr := b.connect("P001", visit(t, "&user=P001"))
	if code != exitCheck || !strings.Contains(stderr, "clock") || !strings.Contains(stderr, "set this machine's clock") {
		t.Errorf("connect a day off: exit %d, want %d and to set the clock\n%s", code, exitCheck, stderr)
	}
	if g := b.grants(); len(g) != 1 || !g[0].held || g[0].AccountHash != "" {
		t.Errorf("connections %+v, want that the grant is kept, unseen", g)
	}
	code, _, stderr = b.run("backfill")
	if code != exitCheck {
		t.Errorf("backfill a day off: exit %d, want %d\n%s", code, exitCheck, stderr)
	}
	i.set(func() { i.ahead = -3 * time.Minute })
	code, _, stderr = b.connect("P002", visit(t, "&user=P002"))
	if code != exitDone || !strings.Contains(stderr, "clock differs") {
		t.Errorf("connect three minutes off: exit %d, want %d and a warning\n%s", code, exitDone, stderr)
	}
	i.set(func() { i.ahead = 0 })
	b.must("backfill")
	if g := b.grants(); holders(g) != "P001 P002" || g[0].AccountHash == "" {
		t.Errorf("connections %+v, want both seen", g)
	}
}

// What Dexcom says when it refuses is told where people look; everybody's refusal is
// told as the app's, and nobody is to be called for it.
func TestRefusalIsTold(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 13, Participants: 3, Days: 10, End: demoNow}, demoNow.AddDate(0, 0, -8))
	i := b.interfere()
	b.must("backfill")
	i.set(func() { i.refuses = `{"error":{"reason":"session_gone","message":"Sign in again"}}` })
	const said = "400 Bad Request: session_gone: Sign in again"
	b.now = b.now.Add(3 * time.Hour)
	code, _, stderr := b.run("sync")
	if code != exitConsent || strings.Count(stderr, said) != 1 || !strings.Contains(stderr, "P001, P002, P003: ") {
		t.Errorf("sync: exit %d, want %d and what the server said, once of all three\n%s", code, exitConsent, stderr)
	}
	if list := b.must("status"); strings.Count(list, "session_gone") != 3 || strings.Contains(list, "again: dexetl sync") {
		t.Errorf("status after one refusal does not tell what was said:\n%s", list)
	}
	for range 6 {
		b.now = b.now.Add(20 * time.Hour)
		b.run("sync")
	}
	for _, command := range [][]string{{"status"}, {"participants", "list", "--needs"}} { // told once, of all
		_, list, told := b.run(command...)
		if !strings.Contains(told, "refuses everybody of this app, 3 participants (P001, P002, P003): it said \""+said) ||
			!strings.Contains(told, "dexetl doctor") || strings.Contains(list, "refuses everybody") || strings.Contains(list, "call: ") {
			t.Errorf("%v after five days of refusing everybody:\n%s%s", command, told, list)
		}
	}
	b.exits("status --check", exitPartial)
	i.set(func() { i.refuses = "" })
	b.now = b.now.Add(20 * time.Hour)
	b.must("sync")
}
