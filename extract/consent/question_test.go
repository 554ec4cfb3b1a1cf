package consent

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const mine, yours = Secret("mine"), Secret("yours") // cookies

// link makes a link of a participant.
func (s *study) link(g *process, participant string) (token string) {
	s.t.Helper()
	links, err := g.Invite(s.t.Context(), []string{participant}, 24*time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(links[0].Token)
}

// pressed is the state of a consent that mine began by a link.
func (s *study) pressed(g *process, token string) url.Values {
	s.t.Helper()
	_, address, err := g.BeginByLink(s.t.Context(), token, mine, g.PressToken(token, mine))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.came(address, s.newCode("ann"))
}

// came is what a browser comes back with from consent URL address.
func (s *study) came(address, code string) url.Values {
	s.t.Helper()
	u, err := url.Parse(s.redirected(address, code, ""))
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Query()
}

// asked lets yours come back with what mine began.
func (s *study) asked(g *process, token string) Question {
	s.t.Helper()
	_, err := g.Arrive(s.t.Context(), Arrival{Address: redirectURI, Query: s.pressed(g, token), Browser: yours, Ask: true})
	if !as[*AskError](err) {
		s.t.Fatalf("Arrive with another browser = %v, want *AskError", err)
	}
	q, err := g.Question(s.t.Context(), yours)
	if err != nil {
		s.t.Fatalf("Question = %v", err)
	}
	return q
}

// sealed are the sealed answers that the state holds.
func (s *study) sealed() (all [][]byte) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select sealed from token_answers")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one []byte
		if err := rows.Scan(&one); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// wiped expects that nothing of what was sealed is in any file of the state.
func (s *study) wiped(what [][]byte) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "state.db*"))
	if err != nil || len(files) == 0 || len(what) == 0 {
		s.t.Fatalf("files %v, %v; %d answers", files, err, len(what))
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, one := range what {
			for _, piece := range [][]byte{one[:64], one[len(one)/2:][:64], one[len(one)-64:]} {
				if bytes.Contains(content, piece) {
					s.t.Errorf("%s still holds the sealed answer", filepath.Base(file))
				}
			}
		}
	}
}

// trail is what the audit trail says of questions, in order.
func (s *study) trail() (said []string) {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range strings.Split(string(content), "\n") {
		if _, rest, found := strings.Cut(line, `"other_browser":"`); found {
			word, _, _ := strings.Cut(rest, `"`)
			said = append(said, word)
		}
	}
	return said
}

// unconnected expects that nobody is connected, nor could be by what is held.
func (s *study) unconnected(g *process) {
	s.t.Helper()
	ctx := context.Background()
	all, err := g.Register.Connections(ctx)
	answers, err2 := g.Register.Answers(ctx, "")
	if err := errors.Join(err, err2); err != nil || len(all)+len(answers) > 0 {
		s.t.Errorf("connections %+v, %d answers to be used, %v; want none", all, len(answers), err)
	}
}

// Whoever comes back with the browser that began connects and is asked nothing.
// Whoever comes back with another one is asked, and where nobody can be asked is
// turned away before the code is spent.
func TestArriveWithWhichBrowser(t *testing.T) {
	const public = "https://study.example.org/callback"
	byLink := func(s *study, g *process) url.Values { return s.pressed(g, s.link(g, "P001")) }
	forged := func(s *study, g *process) url.Values { // the button pressed by another site
		token := s.link(g, "P001")
		_, address, err := g.BeginByLink(t.Context(), token, mine, g.PressToken(token, yours))
		if err != nil {
			t.Fatal(err)
		}
		return s.came(address, s.newCode("ann"))
	}
	atTerminal := func(s *study, g *process) url.Values {
		address, err := g.Begin(t.Context(), "P001")
		if err != nil {
			t.Fatal(err)
		}
		return s.came(address, s.newCode("ann"))
	}
	for _, tt := range []struct {
		name     string
		begin    func(s *study, g *process) url.Values
		redirect string
		arrival  Arrival
		want     string // connected, asked or elsewhere
	}{
		{"a link, the same", byLink, redirectURI, Arrival{Browser: mine, Ask: true}, "connected"},
		{"a link, the same, where nobody can be asked", byLink, redirectURI, Arrival{Browser: mine}, "connected"},
		{"a link, another", byLink, redirectURI, Arrival{Browser: yours, Ask: true}, "asked"},
		{"a link, another of this machine", byLink, redirectURI, Arrival{Browser: yours, Ask: true, Local: true}, "asked"},
		{"a link, another, where nobody can be asked", byLink, redirectURI, Arrival{Browser: yours, Local: true}, "elsewhere"},
		{"a link, pasted", byLink, redirectURI, Arrival{Pasted: true}, "elsewhere"},
		{"a forged button", forged, redirectURI, Arrival{Browser: mine, Ask: true, Local: true}, "asked"},
		{"a forged button, pasted", forged, redirectURI, Arrival{Pasted: true}, "elsewhere"},
		{"at the terminal, this machine's", atTerminal, redirectURI, Arrival{Browser: yours, Local: true}, "connected"},
		{"at the terminal, another machine's", atTerminal, redirectURI, Arrival{Browser: yours, Ask: true}, "asked"},
		{"at the terminal, behind a proxy", atTerminal, public, Arrival{Browser: yours, Local: true, Ask: true}, "asked"},
		{"at the terminal, pasted", atTerminal, public, Arrival{Pasted: true}, "connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			s.redirect = tt.redirect
			app := g.Apps["us"]
			app.RedirectURI = tt.redirect
			g.Apps["us"] = app
			a := tt.arrival
			a.Address, a.Query = tt.redirect, tt.begin(s, g)
			found, err := g.Arrive(t.Context(), a)
			quiet(t, err)
			stale, _ := errors.AsType[*StateError](err)
			got := fmt.Sprint(err)
			switch {
			case err == nil && found.Connection.Status == Connected:
				got = "connected"
			case as[*AskError](err):
				got = "asked"
			case stale != nil && stale.Reason == StateElsewhere:
				got = "elsewhere"
			}
			if got != tt.want {
				t.Errorf("Arrive: %s, want %s", got, tt.want)
			}
			if tt.want != "connected" {
				s.unconnected(g)
			}
			if n, _ := s.presented(a.Query.Get("code")); n != map[string]int{"connected": 1, "asked": 1, "elsewhere": 0}[tt.want] {
				t.Errorf("the code was spent %d times", n)
			}
		})
	}
}

// What waits for a yes is no connection, whoever looks, and is looked at once,
// for the question.
func TestUnconfirmedIsNoConnection(t *testing.T) {
	s, g := newStudy(t, "P001")
	looks := map[string]int{}
	s.data = func(_ http.ResponseWriter, r *http.Request) bool { looks[r.URL.Path]++; return false }
	g.Keep = nil
	q := s.asked(g, s.link(g, "P001"))
	if want := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); !q.Seen || !q.FirstReading.Equal(want) || q.Participant.ID != "P001" {
		t.Errorf("Question = %+v, want P001's, with readings since %s", q, want)
	}
	next := s.process()
	for _, p := range []*process{g, next} {
		if err := p.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.unconnected(p)
		if all, err := p.Register.Progress(t.Context()); err != nil || all["P001"] != Waiting {
			t.Errorf("standing %s, %v, want %s", all["P001"], err, Waiting)
		}
	}
	if again, err := next.Question(t.Context(), yours); err != nil || again != q {
		t.Errorf("Question in another process = %+v, %v, want %+v", again, err, q)
	}
	for _, other := range []Secret{mine, "", "another"} {
		if _, err := g.Question(t.Context(), other); !as[*StateError](err) {
			t.Errorf("Question of browser %q = %v, want *StateError", string(other), err)
		}
	}
	if want := map[string]int{"/v3/users/self/dataRange": 1}; fmt.Sprint(looks) != fmt.Sprint(want) {
		t.Errorf("the account was asked %v, want %v", looks, want)
	}
	if _, posts := s.presented(""); posts != 1 {
		t.Errorf("%d POSTs, want that of the code alone", posts)
	}
}

// An account that does not say since when it has readings is asked for all the
// same, and so is one that has none.
func TestQuestionWithoutAView(t *testing.T) {
	for name, tt := range map[string]struct {
		data func(w http.ResponseWriter, r *http.Request) bool
		seen bool
	}{
		"no answer": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }, false},
		"refused":   {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }, false},
		"no readings": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"events":null,"egvs":null}`)
			return true
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			s.data = tt.data
			q := s.asked(g, s.link(g, "P001"))
			if q.Seen != tt.seen || !q.FirstReading.IsZero() {
				t.Errorf("Question = %+v, want seen %t and no first reading", q, tt.seen)
			}
			s.with(func() { s.data = nil })
			if _, err := g.Answer(t.Context(), yours, q.Token, true); err != nil {
				t.Errorf("yes = %v", err)
			}
		})
	}
}
