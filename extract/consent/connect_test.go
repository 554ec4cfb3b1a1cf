package consent

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
)

// redirected is the address at which the browser arrives from consent URL
// address, with a code or an error.
func (s *study) redirected(address, code, reason string) string {
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	q := url.Values{"state": {u.Query().Get("state")}}
	if code != "" {
		q.Set("code", code)
	}
	if reason != "" {
		q.Set("error", reason)
	}
	return redirectURI + "?" + q.Encode()
}

// connect runs a whole consent of participant by the account user.
func (s *study) connect(g *process, participant, user string) (Found, error) {
	s.t.Helper()
	address, err := g.Begin(s.t.Context(), participant)
	if err != nil {
		s.t.Fatal(err)
	}
	found, err := g.Finish(s.t.Context(), s.redirected(address, s.newCode(user), ""))
	quiet(s.t, err)
	return found, err
}

func TestBegin(t *testing.T) {
	s, g := newStudy(t, "P001")
	address, err := g.Begin(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host != s.URL || u.Path != "/v2/oauth2/login" {
		t.Fatalf("Begin = %s", address)
	}
	q := u.Query()
	if len(q.Get("state")) != 64 {
		t.Errorf("state %q is not 256 bits", q.Get("state"))
	}
	q.Del("state")
	want := url.Values{"client_id": {"id"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"offline_access"}}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("query = %v, want %v", q, want)
	}
	if other, err := g.Begin(t.Context(), "P001"); err != nil || other == address {
		t.Errorf("a second consent has the same state, %v", err)
	}
	if _, err := g.Begin(t.Context(), "P009"); !errors.As(err, new(*cohort.UnknownParticipantError)) {
		t.Errorf("Begin(P009) = %v, want *cohort.UnknownParticipantError", err)
	}
	if err := g.Register.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "P002", Region: "eu"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Begin(t.Context(), "P002"); !errors.As(err, new(*NoAppError)) {
		t.Errorf("Begin in eu = %v, want *NoAppError", err)
	}
}

func TestBeginNeedsTLS(t *testing.T) {
	_, g := newStudy(t, "P001")
	app := g.Apps["us"]
	app.BaseURL = "http://api.example.com"
	g.Apps["us"] = app
	if address, err := g.Begin(t.Context(), "P001"); err == nil {
		t.Errorf("Begin over plain http = %s, want an error", address)
	}
}

func TestFinish(t *testing.T) {
	s, g := newStudy(t, "P001")
	var kept []string
	g.Keep = func(_ context.Context, c Connection, a dexcom.Answer) error {
		kept = append(kept, c.ParticipantID+" "+string(a.Resource))
		return nil
	}
	found, err := s.connect(g, "P001", "ann")
	if err != nil {
		t.Fatal(err)
	}
	if found.Ranges.UserID != "" || found.Ranges.EGVs == nil || found.Ranges.EGVs.End.Month() != time.February || found.Ranges.Events != nil {
		t.Errorf("Ranges = %+v", found.Ranges)
	}
	want := []Device{{"iOS", "G7", "g7", time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}, {"receiver", "", "g6", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if !reflect.DeepEqual(found.Devices, want) {
		t.Errorf("Devices = %+v, want %+v", found.Devices, want)
	}
	if want := []string{"P001 dataRange", "P001 devices"}; !reflect.DeepEqual(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	c, err := g.Register.Connection(t.Context(), found.Connection.ID)
	if err != nil || c != found.Connection || c.Status != Connected || len(c.AccountHash) != 64 || strings.Contains(c.AccountHash, "ann") {
		t.Errorf("Connection = %+v, %v", c, err)
	}
	if _, err := g.Token(t.Context(), c.ID); err != nil {
		t.Errorf("Token = %v", err)
	}
	if got := g.Calls(); got != 3 {
		t.Errorf("Calls = %d, want 3: token, dataRange, devices", got)
	}
}

func TestFinishErrors(t *testing.T) {
	s, g := newStudy(t, "P001")
	tests := []struct {
		name string
		at   func(address string) string
		want any
	}{
		{"denied", func(a string) string { return s.redirected(a, "", "access_denied") }, new(*DeniedError)},
		{"other error", func(a string) string { return s.redirected(a, "", "server_error") }, new(*CodeError)},
		{"no code", func(a string) string { return s.redirected(a, "", "") }, new(*CodeError)},
		{"wrong code", func(a string) string { return s.redirected(a, "code-"+canary, "") }, new(*CodeError)},
		{"other address", func(a string) string {
			return strings.Replace(s.redirected(a, s.newCode("x"), ""), "/callback", "/callback/x", 1)
		}, new(*CodeError)},
		{"no state", func(string) string { return redirectURI + "?code=" + s.newCode("x") }, new(*StateError)},
		{"invented state", func(string) string { return redirectURI + "?state=00&code=" + s.newCode("x") }, new(*StateError)},
		{"too late", func(a string) string { s.add(time.Hour); return s.redirected(a, s.newCode("x"), "") }, new(*StateError)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address, err := g.Begin(t.Context(), "P001")
			if err != nil {
				t.Fatal(err)
			}
			found, err := g.Finish(t.Context(), tt.at(address))
			quiet(t, err)
			if !errors.As(err, tt.want) {
				t.Errorf("Finish = %+v, %v, want %T", found, err, tt.want)
			}
		})
	}
	if all, err := g.Register.Connections(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Connections = %+v, %v, want none", all, err)
	}
	if answers, err := g.Register.Answers(t.Context(), ""); err != nil || len(answers) != 0 {
		t.Errorf("Answers = %d, %v, want none waiting", len(answers), err)
	}
}

// A redirect URI may have no path: a browser that comes back adds the slash.
func TestFinishWithoutAPath(t *testing.T) {
	s, g := newStudy(t, "P001")
	app := g.Apps["us"]
	app.RedirectURI = "http://127.0.0.1:8085"
	g.Apps["us"] = app
	address, err := g.Begin(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Finish(t.Context(), strings.Replace(s.redirected(address, s.newCode("ann"), ""), "/callback?", "/?", 1))
	if _, posts := s.presented(""); posts != 1 { // the server knows another URI and refuses it
		t.Errorf("Finish = %v with %d POSTs, want one", err, posts)
	}
}

func TestStateWorksOnce(t *testing.T) {
	s, g := newStudy(t, "P001")
	address, err := g.Begin(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	code := s.newCode("ann")
	if _, err := g.Finish(t.Context(), s.redirected(address, code, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Finish(t.Context(), s.redirected(address, code, "")); !errors.As(err, new(*StateError)) {
		t.Errorf("Finish again = %v, want *StateError", err)
	}
	if n, _ := s.presented(code); n != 1 {
		t.Errorf("the code was presented %d times, want once", n)
	}
}

func TestAccountOfSomebodyElse(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	if _, err := s.connect(g, "P001", "ann"); err != nil {
		t.Fatal(err)
	}
	_, err := s.connect(g, "P002", "ann")
	if e, ok := asError[*AccountInUseError](err); !ok || e.ParticipantID != "P002" || e.Other != "P001" || e.Ended {
		t.Errorf("P002 with P001's account = %v, want *AccountInUseError", err)
	}
	all, err := g.Register.Connections(t.Context())
	if err != nil || len(all) != 2 || all[0].ParticipantID != "P001" || all[0].Aside || !all[1].Aside {
		t.Errorf("Connections = %+v, %v, want P001's, and P002's aside", all, err)
	}
}

func TestReconnect(t *testing.T) {
	s, g := newStudy(t, "P001")
	first, err := s.connect(g, "P001", "ann")
	if err != nil {
		t.Fatal(err)
	}
	id := first.Connection.ID
	s.with(func() { s.revoke("ann") })
	for range len(patience()) + 1 {
		s.add(17 * time.Hour)
		g.Token(t.Context(), id)
	}
	if _, err := g.Token(t.Context(), id); !errors.As(err, new(*NeedsReconsentError)) {
		t.Fatalf("Token = %v, want *NeedsReconsentError", err)
	}
	again, err := s.connect(g, "P001", "ann")
	if err != nil || again.Connection.ID != id || again.Connection.Status != Connected {
		t.Fatalf("reconnect = %+v, %v, want connection %s, connected", again.Connection, err, id)
	}
	if _, err := g.Token(t.Context(), id); err != nil {
		t.Errorf("Token after reconnect = %v", err)
	}
	if _, err := s.connect(g, "P001", "bob"); !errors.As(err, new(*OtherAccountError)) {
		t.Errorf("reconnect with another account = %v, want *OtherAccountError", err)
	}
	all, err := g.Register.Connections(t.Context())
	if err != nil || len(all) != 2 || !all[1].Aside {
		t.Fatalf("Connections = %+v, %v, want the other account's aside", all, err)
	}
	before := g.Calls()
	if _, err := g.Token(t.Context(), all[1].ID); !errors.As(err, new(*OtherAccountError)) || g.Calls() != before {
		t.Errorf("Token of a grant set aside = %v in %d calls, want *OtherAccountError in none", err, g.Calls()-before)
	}
	g.Change = &Changeover{Reason: "new phone"}
	if found, err := s.connect(g, "P001", "bob"); err != nil || found.Connection.ID == id {
		t.Errorf("reconnect with another account, confirmed = %+v, %v", found.Connection, err)
	}
	if _, err := g.Token(t.Context(), id); !errors.As(err, new(*NeedsReconsentError)) {
		t.Errorf("Token of the ended connection = %v, want *NeedsReconsentError", err)
	}
}

// The API is down at the moment of consent: the grant is kept, and looked at
// when it is first used.
func TestVerifyLater(t *testing.T) {
	s, g := newStudy(t, "P001")
	s.with(func() {
		s.data = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	})
	_, err := s.connect(g, "P001", "ann")
	if e, ok := asError[*UncheckedError](err); !ok || e.ParticipantID != "P001" {
		t.Fatalf("connect = %v, want *UncheckedError", err)
	}
	all, err := g.Register.Connections(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("Connections = %+v, %v, want one", all, err)
	}
	if token, err := g.Token(t.Context(), all[0].ID); !errors.As(err, new(*UncheckedError)) {
		t.Errorf("Token before anybody saw the account = %t, %v, want *UncheckedError", token != "", err)
	}
	s.with(func() { s.data = nil })
	if _, err := g.Token(t.Context(), all[0].ID); err != nil {
		t.Errorf("Token = %v", err)
	}
}
