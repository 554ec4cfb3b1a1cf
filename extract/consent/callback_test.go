package consent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

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
	return response.StatusCode, string(body)
}

// words are pages of one word.
type words struct{}

func (words) Ask(w http.ResponseWriter, q Question) { fmt.Fprint(w, "token="+q.Token) }
func (words) Nothing(w http.ResponseWriter)         { http.Error(w, "nothing", http.StatusNotFound) }
func (words) End(w http.ResponseWriter, e Ending) {
	if e == EndedRefused {
		w.WriteHeader(http.StatusBadRequest)
	}
	fmt.Fprint(w, e)
}

type waited struct {
	found Found
	err   error
}

// listen waits for participant's browser on a free port and returns the base
// address of the listener.
func (s *study) listen(g *process, participant string) (c *Callback, base string, done chan waited) {
	s.t.Helper()
	c, err := g.Listen(s.t.Context(), participant, "127.0.0.1:0", words{})
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
		{base + "/", 404, "nothing"},
		{base + "/callback/", 404, "nothing"},
		{base + "/callback", 400, "refused"},
		{base + "/callback?state=%3Cscript%3E&code=x&error=%3Cb%3E", 400, "refused"},
		{at(s.redirected(other, s.newCode("bob"), "")), 200, "connected"},
		{mine, 200, "connected"},
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
	if all, err := g.Register.Connections(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("Connections = %+v, %v, want P001's and P002's", all, err)
	}
}

func TestCallbackPages(t *testing.T) {
	s, g := newStudy(t, "P001", "P002", "P003")
	for participant, user := range map[string]string{"P002": "bob", "P003": "cy"} {
		if _, err := s.connect(g, participant, user); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		participant, code, reason string
		ending                    Ending
		want                      any
	}{
		{"P001", "", "access_denied", EndedDenied, new(*DeniedError)},
		{"P001", s.newCode("bob"), "", EndedWrongAccount, new(*AccountInUseError)},
		{"P003", s.newCode("dee"), "", EndedWrongAccount, new(*OtherAccountError)},
		{"P001", "gone", "", EndedFailed, new(*CodeError)},
		{"P001", "", "server_error", EndedFailed, new(*CodeError)},
	} {
		c, base, done := s.listen(g, tt.participant)
		address := strings.Replace(s.redirected(c.URL, tt.code, tt.reason), "http://127.0.0.1:8085", base, 1)
		status, body := visit(t, address)
		if status != 200 || body != string(tt.ending) {
			t.Errorf("GET = %d %s, want 200 and %q", status, body, tt.ending)
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
	for _, tt := range []struct{ name, address string }{
		{"unknown", redirectURI + "?state=00&code=x"}, {"without a state", redirectURI + "?code=x"}, {"used", used}, {"expired", old},
	} {
		status, body := visit(t, strings.Replace(tt.address, "http://127.0.0.1:8085", base, 1))
		if status != 400 || body != string(EndedRefused) {
			t.Errorf("GET of a link %s = %d %s, want 400 and %s", tt.name, status, body, EndedRefused)
		}
	}
}

func TestListenErrors(t *testing.T) {
	_, g := newStudy(t, "P001")
	app := g.Apps["us"]
	app.RedirectURI = "https://study.example.org/callback"
	g.Apps["us"] = app
	if _, err := g.Listen(t.Context(), "P001", "", words{}); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("Listen at https = %v, want an error that names --listen", err)
	}
	c, err := g.Listen(t.Context(), "P001", "127.0.0.1:0", words{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := g.Listen(t.Context(), "P001", c.listener.Addr().String(), words{}); err == nil {
		t.Error("Listen at a port in use is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait, cancelled = %v, want context.Canceled", err)
	}
}

// abroad waits for P001's browser at a redirect URI that other machines reach, and
// asks those who come back.
func (s *study) abroad(ctx context.Context, g *process, tick chan time.Time) (c *Callback, base string, done chan waited) {
	s.t.Helper()
	s.redirect = "http://study.example.org/callback"
	app := g.Apps["us"]
	app.RedirectURI = s.redirect
	g.Apps["us"] = app
	c, err := g.Listen(s.t.Context(), "P001", "127.0.0.1:0", words{})
	if err != nil {
		s.t.Fatal(err)
	}
	c.tick = tick
	done = make(chan waited, 1)
	go func() {
		found, err := c.Wait(ctx)
		done <- waited{found, err}
	}()
	return c, "http://" + c.listener.Addr().String() + "/callback", done
}

// somebody is a browser with cookies.
func somebody(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func read(t *testing.T, response *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// Whoever comes back to an address that other machines reach is asked, at the
// address without the code, and connect waits for the answer.
func TestCallbackAsks(t *testing.T) {
	for _, tt := range []struct {
		answer, text string
		want         any // error of Wait, nil: none
	}{
		{"yes", "connected", nil},
		{"no", "not_confirmed", new(*NotConfirmedError)},
		{"", "", new(*NotConfirmedError)},
	} {
		t.Run(tt.answer, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			tick := make(chan time.Time)
			c, base, done := s.abroad(t.Context(), g, tick)
			person := somebody(t)
			response, err := person.Get(base + "?" + s.came(c.URL, s.newCode("ann")).Encode())
			status, body := read(t, response, err)
			token, found := strings.CutPrefix(body, "token=")
			if status != 200 || !found || response.Request.URL.RawQuery != "" {
				t.Fatalf("it leads to %s: %d %s, want the question at the address alone", response.Request.URL, status, body)
			}
			stranger := somebody(t)
			for _, form := range []url.Values{{"token": {token}, "answer": {"yes"}}, {"answer": {"yes"}}} {
				response, err := stranger.PostForm(base, form)
				if status, body := read(t, response, err); status != 400 {
					t.Errorf("yes of a stranger: %d %s, want 400", status, body)
				}
			}
			tick <- s.clock() // too early: it goes on waiting
			if tt.answer == "" {
				s.add(15 * time.Minute)
				close(tick) // as often as it looks
			} else {
				response, err := person.PostForm(base, url.Values{"token": {token}, "answer": {tt.answer}})
				if status, body := read(t, response, err); status != 200 || !strings.Contains(body, tt.text) {
					t.Errorf("after %s: %d %s, want %q", tt.answer, status, body, tt.text)
				}
			}
			got := <-done
			if tt.want == nil && (got.err != nil || got.found.Connection.ParticipantID != "P001") || tt.want != nil && !errors.As(got.err, tt.want) {
				t.Errorf("Wait = %+v, %v, want %T", got.found, got.err, tt.want)
			}
			if tt.want != nil {
				s.unconnected(g)
				if left := s.sealed(); len(left) > 0 {
					t.Errorf("%d answers are left", len(left))
				}
			}
		})
	}
}

// Who stops connect while somebody is asked leaves nothing behind.
func TestCallbackStoppedWhileAsking(t *testing.T) {
	s, g := newStudy(t, "P001")
	ctx, stop := context.WithCancel(t.Context())
	c, base, done := s.abroad(ctx, g, nil)
	response, err := somebody(t).Get(base + "?" + s.came(c.URL, s.newCode("ann")).Encode())
	if _, body := read(t, response, err); !strings.HasPrefix(body, "token=") {
		t.Fatalf("no question: %s", body)
	}
	sealed := s.sealed()
	stop()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("Wait, stopped = %v", got.err)
	}
	s.wiped(sealed)
	if got := s.trail(); !slices.Equal(got, []string{"asked", "stopped"}) {
		t.Errorf("the trail says %v", got)
	}
}
