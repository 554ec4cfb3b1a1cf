package consent

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// written reports whether anything was committed to the state since it was
// called last.
func (s *study) written() func() bool {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { db.Close() })
	version := func() (v int) {
		if err := db.QueryRow("pragma data_version").Scan(&v); err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	before := version()
	return func() bool {
		was := before
		before = version()
		return before != was
	}
}

// locked holds the state's write lock, so that whoever wants to write fails, until
// the function returned is called.
func (s *study) locked() (unlock func()) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("begin immediate"); err != nil {
		s.t.Fatal(err)
	}
	return func() { db.Close() }
}

// What comes back from nowhere, or with nothing, or again, changes nothing in the
// state, and Dexcom is not asked.
func TestBadArrivalsWriteNothing(t *testing.T) {
	s, g := newStudy(t, "P001")
	token := s.link(g, "P001")
	used := s.pressed(g, token)
	if _, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: used, Browser: mine, Ask: true}); err != nil {
		t.Fatal(err)
	}
	token = s.link(g, "P001")
	good, old := s.pressed(g, token), s.pressed(g, token)
	s.add(30 * time.Minute)
	fresh := s.pressed(g, token)
	s.add(30 * time.Minute)
	with := func(q url.Values, name, value string) url.Values {
		out := url.Values{"state": {q.Get("state")}, "code": {q.Get("code")}}
		out.Set(name, value)
		return out
	}
	_, posts := s.presented("")
	written, unlock := s.written(), s.locked()
	for name, q := range map[string]url.Values{
		"nothing": {}, "no state": with(fresh, "state", ""), "an invented state": with(fresh, "state", "00"),
		"a long state": with(fresh, "state", strings.Repeat("a", 1<<15)), "no code": with(fresh, "code", ""), "a code of 5 kB": with(fresh, "code", strings.Repeat("c", 5<<10)),
		"used": used, "expired": good, "expired, with an error": {"state": {old.Get("state")}, "error": {"access_denied"}},
		"an invented state, with an error": {"state": {"00"}, "error": {"access_denied"}},
	} {
		for range 3 {
			if _, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: q, Browser: yours, Ask: true}); err == nil || as[*AskError](err) || as[*state.BusyError](err) {
				t.Errorf("%s: Arrive = %v, want an error that needs no write", name, err)
			}
		}
		if _, err := g.Question(t.Context(), yours); err == nil {
			t.Errorf("%s: there is a question", name)
		}
		if _, err := g.Answer(t.Context(), yours, "00", true); err == nil {
			t.Errorf("%s: a question was answered", name)
		}
		if written() {
			t.Errorf("%s: the state was written", name)
		}
	}
	unlock()
	if _, after := s.presented(""); after != posts {
		t.Errorf("%d requests for tokens", after-posts)
	}
	if _, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: fresh, Browser: mine, Ask: true}); err != nil {
		t.Errorf("Arrive after all of that = %v", err)
	}
}

// A link begins ten consents an hour and then rests, which costs no write; others
// do not. It may not even cost the reader of its page one.
func TestOneLinkBeginsTen(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	token, second, other := s.link(g, "P001"), s.link(g, "P001"), s.link(g, "P002")
	begin := func(token string) error {
		_, _, err := g.BeginByLink(t.Context(), token, mine, "")
		return err
	}
	for n := range 10 {
		if err := begin(token); err != nil {
			t.Fatalf("consent %d: %v", n+1, err)
		}
		s.add(time.Minute)
	}
	if _, err := g.OpenLink(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	unlock := s.locked()
	for range 200 {
		err := begin(token)
		often, ok := errors.AsType[*TooOftenError](err)
		if want := s.clock().Add(50 * time.Minute); !ok || often.ParticipantID != "P001" || !often.Until.Equal(want) {
			t.Fatalf("BeginByLink = %v, want that it rests until %s", err, want)
		}
		if _, err := g.OpenLink(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	unlock()
	for name, token := range map[string]string{"another link": second, "another person's": other} {
		if err := begin(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := g.Begin(t.Context(), "P001"); err != nil {
		t.Errorf("at the terminal: %v", err)
	}
	s.add(49 * time.Minute)
	if err := begin(token); !as[*TooOftenError](err) {
		t.Errorf("a minute too early: %v", err)
	}
	s.add(time.Minute)
	if err := begin(token); err != nil {
		t.Errorf("after its rest: %v", err)
	}
	if err := begin(token); !as[*TooOftenError](err) {
		t.Errorf("twice after a rest that allows one: %v", err)
	}
}

// States that are long past are forgotten.
func TestStatesAreForgotten(t *testing.T) {
	s, g := newStudy(t, "P001")
	token := s.link(g, "P001")
	for range 10 {
		s.pressed(g, token)
	}
	s.add(26 * time.Hour)
	if _, err := g.Begin(t.Context(), "P001"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("select count(*) from oauth_states").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d states are stored, %v, want the newest alone", n, err)
	}
}

// An exchange takes a place among the calls of the hour, before its state is used
// up: without one nothing is spent, and the same address works when there is one.
func TestExchangeTakesACall(t *testing.T) {
	s, g := newStudy(t, "P001")
	var taken int
	var none error
	g.Pace = func(context.Context, string) error {
		if none == nil {
			taken++
		}
		return none
	}
	query := s.pressed(g, s.link(g, "P001"))
	arrive := func() error {
		_, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: query, Browser: mine, Ask: true})
		return err
	}
	none = context.DeadlineExceeded
	written := s.written()
	if err := arrive(); !as[*NoCallError](err) || written() {
		t.Errorf("Arrive without a call = %v, want *NoCallError and nothing written", err)
	}
	none = nil
	g.Quota = &calls{}
	if err := arrive(); !as[*NoCallError](err) || written() {
		t.Errorf("Arrive without quota = %v, want *NoCallError and nothing written", err)
	}
	if n, _ := s.presented(query.Get("code")); n != 0 {
		t.Errorf("the code was spent %d times without a call", n)
	}
	g.Quota = &calls{3}
	if err := arrive(); err != nil || taken != 3 || g.Quota.(*calls).left != 0 {
		t.Errorf("Arrive = %v, %d calls taken of the hour, %d of 3 left; want all of token, dataRange and devices", err, taken, g.Quota.(*calls).left)
	}
}

// While one browser comes back with a state, others with the same are turned away
// and take no place among the calls of the hour.
func TestOneArrivalOfAState(t *testing.T) {
	s, g := newStudy(t, "P001")
	a := Arrival{Address: redirectURI, Query: s.pressed(g, s.link(g, "P001")), Browser: mine, Ask: true}
	places := 0
	g.Pace = func(ctx context.Context, _ string) error {
		if places++; places > 1 {
			return nil
		}
		for range 5 {
			_, err := g.Arrive(ctx, a)
			if e, ok := errors.AsType[*StateError](err); !ok || e.Reason != StateUsed {
				t.Errorf("Arrive meanwhile = %v, want %q", err, StateUsed)
			}
		}
		return nil
	}
	if _, err := g.Arrive(t.Context(), a); err != nil || places != 3 {
		t.Errorf("Arrive = %v, %d places taken, want 3: token, dataRange and devices", err, places)
	}
}
