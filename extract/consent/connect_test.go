package consent

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/state"
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
func (s *study) connect(g *Grants, participant, user string) (Found, error) {
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
	if _, err := g.Begin(t.Context(), "P009"); !errors.As(err, new(*state.UnknownParticipantError)) {
		t.Errorf("Begin(P009) = %v, want *state.UnknownParticipantError", err)
	}
	if err := g.Store.AddParticipant(t.Context(), state.Participant{ID: "P002", Region: "eu"}); err != nil {
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
	g.Keep = func(_ context.Context, c state.Connection, a dexcom.Answer) error {
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
	c, err := g.Store.Connection(t.Context(), found.Connection.ID)
	if err != nil || c != found.Connection || c.Status != state.Connected || len(c.AccountHash) != 64 || strings.Contains(c.AccountHash, "ann") {
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
		{"no state", func(string) string { return redirectURI + "?code=" + s.newCode("x") }, new(*state.StateError)},
		{"invented state", func(string) string { return redirectURI + "?state=00&code=" + s.newCode("x") }, new(*state.StateError)},
		{"too late", func(a string) string { s.add(time.Hour); return s.redirected(a, s.newCode("x"), "") }, new(*state.StateError)},
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
	if all, err := g.Store.Connections(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Connections = %+v, %v, want none", all, err)
	}
	if answers, err := g.Store.Answers(t.Context(), ""); err != nil || len(answers) != 0 {
		t.Errorf("Answers = %d, %v, want none waiting", len(answers), err)
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
	if _, err := g.Finish(t.Context(), s.redirected(address, code, "")); !errors.As(err, new(*state.StateError)) {
		t.Errorf("Finish again = %v, want *state.StateError", err)
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
	if e, ok := asError[*state.AccountInUseError](err); !ok || e.ParticipantID != "P002" || e.Other != "P001" || e.Ended {
		t.Errorf("P002 with P001's account = %v, want *state.AccountInUseError", err)
	}
	all, err := g.Store.Connections(t.Context())
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
	if err != nil || again.Connection.ID != id || again.Connection.Status != state.Connected {
		t.Fatalf("reconnect = %+v, %v, want connection %s, connected", again.Connection, err, id)
	}
	if _, err := g.Token(t.Context(), id); err != nil {
		t.Errorf("Token after reconnect = %v", err)
	}
	if _, err := s.connect(g, "P001", "bob"); !errors.As(err, new(*state.OtherAccountError)) {
		t.Errorf("reconnect with another account = %v, want *state.OtherAccountError", err)
	}
	all, err := g.Store.Connections(t.Context())
	if err != nil || len(all) != 2 || !all[1].Aside {
		t.Fatalf("Connections = %+v, %v, want the other account's aside", all, err)
	}
	before := g.Calls()
	if _, err := g.Token(t.Context(), all[1].ID); !errors.As(err, new(*state.OtherAccountError)) || g.Calls() != before {
		t.Errorf("Token of a grant set aside = %v in %d calls, want *state.OtherAccountError in none", err, g.Calls()-before)
	}
	g.Change = &state.Changeover{Reason: "new phone"}
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
	all, err := g.Store.Connections(t.Context())
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

func TestImport(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	file := fmt.Sprintf("refresh_token,participant_id\n%s,P001\n%s,P002\n", s.newRefresh("ann"), s.newRefresh("bob"))
	got, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(got.ConnectionIDs) != 2 || got.Known != 0 {
		t.Fatalf("Import = %+v, %v, want two", got, err)
	}
	if _, posts := s.presented(""); posts != 0 {
		t.Errorf("Import sent %d POSTs, want none", posts)
	}
	for _, id := range got.ConnectionIDs {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("Token = %v", err)
		}
	}
	again, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(again.ConnectionIDs) != 0 || again.Known != 2 {
		t.Errorf("Import of the same file = %+v, %v, want both known", again, err)
	}
	_, err = g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\nP003,"+canary+"\n"))
	quiet(t, err)
	if !errors.As(err, new(*state.CSVError)) {
		t.Errorf("Import of an unknown participant = %v, want *state.CSVError", err)
	}
}

// Whoever imports again checks what an earlier import left unchecked.
func TestUnverified(t *testing.T) {
	s, g := newStudy(t, "P001", "P002", "P003")
	check := func(when string, want ...string) {
		t.Helper()
		got, err := g.Unverified(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: Unverified = %v, %v, want %v", when, got, err, want)
		}
	}
	check("nobody is connected")
	if _, err := s.connect(g, "P001", "ann"); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("participant_id,refresh_token\nP002,%s\nP003,%s\n", s.newRefresh("bob"), s.newRefresh("cy"))
	got, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(got.ConnectionIDs) != 2 {
		t.Fatalf("Import = %+v, %v, want two", got, err)
	}
	bob, cy := got.ConnectionIDs[0], got.ConnectionIDs[1]
	check("after the import", bob, cy)
	if _, err := g.Verify(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	s.with(func() {
		s.data = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	})
	if _, err := g.Verify(t.Context(), cy); !errors.As(err, new(*UncheckedError)) {
		t.Fatalf("Verify = %v, want *UncheckedError", err)
	}
	s.with(func() { s.data = nil })
	check("after one was checked", cy)
	if _, err := g.Verify(t.Context(), cy); err != nil {
		t.Fatal(err)
	}
	check("after both were checked")
	if err := g.Store.EndConnection(t.Context(), cy, s.clock()); err != nil {
		t.Fatal(err)
	}
	check("after one has ended")
	if _, err := s.connect(g, "P002", "dee"); !errors.As(err, new(*state.OtherAccountError)) {
		t.Fatalf("connect with another account = %v, want *state.OtherAccountError", err)
	}
	check("with a grant set aside")
	g.Change = &state.Changeover{Reason: "new phone"}
	all, err := g.Store.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	aside := slices.IndexFunc(all, func(c state.Connection) bool { return c.Aside })
	check("with a grant set aside and confirmed", all[aside].ID)
}

// An imported grant of an account that the participant is connected to renews
// that connection.
func TestImportMoves(t *testing.T) {
	s, g := newStudy(t, "P001")
	first, err := s.connect(g, "P001", "ann")
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\nP001,"+s.newRefresh("ann")+"\n"))
	if err != nil || len(got.ConnectionIDs) != 1 {
		t.Fatalf("Import = %+v, %v", got, err)
	}
	want := MovedError{"P001", first.Connection.ID}
	if _, err := g.Token(t.Context(), got.ConnectionIDs[0]); func() bool { e, ok := asError[*MovedError](err); return !ok || *e != want }() {
		t.Errorf("Token = %v, want %v", err, &want)
	}
	if _, err := g.Token(t.Context(), first.Connection.ID); err != nil {
		t.Errorf("Token of the old connection = %v", err)
	}
}

// visit opens an address as a browser would.
func visit(t *testing.T, address string) (status int, text string) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'"} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	return response.StatusCode, string(body)
}

type waited struct {
	found Found
	err   error
}

// listen waits for participant's browser on a free port and returns the base
// address of the listener.
func (s *study) listen(g *Grants, participant string) (c *Callback, base string, done chan waited) {
	s.t.Helper()
	c, err := g.Listen(s.t.Context(), participant, "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	done = make(chan waited, 1)
	go func() {
		found, err := c.Wait(s.t.Context())
		done <- waited{found, err}
	}()
	return c, "http://" + c.listener.Addr().String(), done
}

func TestCallback(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	other, err := g.Begin(t.Context(), "P002")
	if err != nil {
		t.Fatal(err)
	}
	c, base, done := s.listen(g, "P001")
	at := func(redirected string) string { return strings.Replace(redirected, "http://127.0.0.1:8085", base, 1) }
	mine := at(s.redirected(c.URL, s.newCode("ann"), ""))
	for _, tt := range []struct {
		address string
		status  int
		text    string
	}{
		{base + "/", 404, "Nothing here"},
		{base + "/callback/", 404, "Nothing here"},
		{base + "/callback", 400, "cannot be used"},
		{base + "/callback?state=%3Cscript%3E&code=x&error=%3Cb%3E", 400, "cannot be used"},
		{at(s.redirected(other, s.newCode("bob"), "")), 200, "Thank you"},
		{mine, 200, "Thank you"},
	} {
		status, text := visit(t, tt.address)
		if status != tt.status || !strings.Contains(text, tt.text) || strings.Contains(text, "<script>") || strings.Contains(text, "P00") || strings.Contains(text, canary) {
			t.Errorf("GET %s = %d %s, want %d %s", tt.address, status, text, tt.status, tt.text)
		}
	}
	got := <-done
	if got.err != nil || got.found.Connection.ParticipantID != "P001" {
		t.Fatalf("Wait = %+v, %v, want P001", got.found, got.err)
	}
	if _, err := http.Get(mine); err == nil {
		t.Error("the port is open after Wait")
	}
	if all, err := g.Store.Connections(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("Connections = %+v, %v, want P001's and P002's", all, err)
	}
}

// pageText is what a person reads of a page.
func pageText(t *testing.T, body string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, "<p>")
	text, _, ok := strings.Cut(rest, "</p>")
	if !ok {
		t.Fatalf("no text in %s", body)
	}
	return html.UnescapeString(text)
}

func TestCallbackPages(t *testing.T) {
	s, g := newStudy(t, "P001", "P002", "P003")
	for participant, user := range map[string]string{"P002": "bob", "P003": "cy"} {
		if _, err := s.connect(g, participant, user); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		participant, code, reason, text string
		want                            any
	}{
		{"P001", "", "access_denied", "You chose not to share your data, so your Dexcom account is not connected. If you change your mind, please ask the study team for a new link. You can close this window.", new(*DeniedError)},
		{"P001", s.newCode("bob"), "", "This Dexcom account is already connected to the study for somebody else. Did you sign in with your own account? Please tell the study team.", new(*state.AccountInUseError)},
		{"P003", s.newCode("dee"), "", "You signed in with another Dexcom account than before. Please tell the study team which one is yours.", new(*state.OtherAccountError)},
		{"P001", "gone", "", "Dexcom did not complete the connection. Please ask the study team for a new link.", new(*CodeError)},
		{"P001", "", "server_error", "Dexcom did not complete the connection. Please ask the study team for a new link.", new(*CodeError)},
	} {
		c, base, done := s.listen(g, tt.participant)
		address := strings.Replace(s.redirected(c.URL, tt.code, tt.reason), "http://127.0.0.1:8085", base, 1)
		status, body := visit(t, address)
		if got := pageText(t, body); status != 200 || got != tt.text || !strings.Contains(body, "<h1>Not connected</h1>") || strings.Contains(body, "P00") {
			t.Errorf("GET = %d %s, want 200 and %q", status, body, tt.text)
		}
		if got := <-done; !errors.As(got.err, tt.want) {
			t.Errorf("Wait = %v, want %T", got.err, tt.want)
		}
	}
}

func TestCallbackOfStaleLinks(t *testing.T) {
	s, g := newStudy(t, "P001", "P002", "P003")
	begin := func(participant string) string {
		t.Helper()
		address, err := g.Begin(t.Context(), participant)
		if err != nil {
			t.Fatal(err)
		}
		return s.redirected(address, s.newCode("ann"), "")
	}
	old, used := begin("P001"), begin("P002")
	if _, err := g.Finish(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	s.add(time.Hour)
	_, base, _ := s.listen(g, "P003")
	for _, tt := range []struct{ name, address, text string }{
		{"unknown", redirectURI + "?state=00&code=x", "This link is incomplete or too old. Please ask the study team for a new one."},
		{"without a state", redirectURI + "?code=x", "This link is incomplete or too old. Please ask the study team for a new one."},
		{"used", used, "This link was used already, and a link works only once. If your account was not connected, please ask the study team for a new link."},
		{"expired", old, "This link has expired: a link works for one hour. Please ask the study team for a new one."},
	} {
		status, body := visit(t, strings.Replace(tt.address, "http://127.0.0.1:8085", base, 1))
		if got := pageText(t, body); status != 400 || got != tt.text || !strings.Contains(body, "<h1>This link cannot be used</h1>") || strings.Contains(body, "P00") {
			t.Errorf("GET of a link %s = %d %s, want 400 and %q", tt.name, status, body, tt.text)
		}
	}
}

func TestListenErrors(t *testing.T) {
	_, g := newStudy(t, "P001")
	app := g.Apps["us"]
	app.RedirectURI = "https://study.example.org/callback"
	g.Apps["us"] = app
	if _, err := g.Listen(t.Context(), "P001", ""); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("Listen at https = %v, want an error that names --listen", err)
	}
	c, err := g.Listen(t.Context(), "P001", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := g.Listen(t.Context(), "P001", c.listener.Addr().String()); err == nil {
		t.Error("Listen at a port in use is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait, cancelled = %v, want context.Canceled", err)
	}
}
