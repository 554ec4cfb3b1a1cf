package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
)

const program = "https://app.example.org/back"

// issue makes a link of a program that waits at an address.
func (c *clinic) issue(id, returnTo string) (link string) {
	c.t.Helper()
	c.server.MayReturn = func(address string) bool { return strings.HasPrefix(address, program) }
	made, err := c.grants.Links.Issue(c.t.Context(), id, time.Hour, returnTo)
	if err != nil {
		c.t.Fatal(err)
	}
	return page.LinkURL(c.base, string(made.Token))
}

// outcome is what a program reads in the address where the browser arrives.
func (c *clinic) outcome(got seen) string {
	c.t.Helper()
	at, err := url.Parse(got.location)
	if err != nil || got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, program) {
		c.t.Errorf("%d to %s, want the program", got.status, got.location)
		return ""
	}
	q := at.Query()
	if q.Has("code") || strings.Contains(got.location, "P00") || q.Get("state") == "error" && q.Get("error") == "" {
		c.t.Errorf("the program is told %s", got.location)
	}
	return strings.TrimSuffix(q.Get("state")+" "+q.Get("error_type"), " ")
}

// However it ends, the browser goes back to the program, which is told how it went.
func TestBackToTheProgram(t *testing.T) {
	for name, tt := range map[string]struct {
		more, want string
		kind       page.Kind
	}{
		"connected":             {"&user=P001", "success", page.Connected},
		"chose not to":          {"&user=P001&deny=1", "error required_scopes_not_granted", page.Denied},
		"somebody else's":       {"&user=P002", "error duplicate_connection", page.WrongAccount},
		"Dexcom does not reply": {"&user=P001", "error provider_api_error", page.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t, "/cgm")
			if tt.kind == page.WrongAccount {
				c.follow(c.invite("P002"), "&user=P002")
			}
			link := c.issue("P001", program+"?session=7&state=mine&error=x")
			if tt.kind == page.Failed {
				c.post = func(*http.Request) (*http.Response, error) { return nil, http.ErrHandlerTimeout }
			}
			got := c.ask(http.MethodGet, c.signIn(c.press(link), tt.more))
			if out := c.outcome(got); out != tt.want {
				t.Errorf("told %q, want %q", out, tt.want)
			}
			at, _ := url.Parse(got.location)
			if q := at.Query(); q.Get("session") != "7" || len(q["state"]) != 1 || tt.want == "success" && q.Has("error") {
				t.Errorf("query %v", q)
			}
			if c.last().Kind != tt.kind || c.last().ParticipantID != "P001" {
				t.Errorf("last event %+v", c.last())
			}
			c.silent(link)
		})
	}
}

// A link that has ended sends back to the program, too; one that nobody knows does not.
func TestEndedLinkGoesBack(t *testing.T) {
	c := newClinic(t, "")
	used := c.issue("P001", program)
	c.ask(http.MethodGet, c.signIn(c.press(used), "&user=P001"))
	old, revoked := c.issue("P002", program), c.issue("P003", program)
	if _, err := c.consents.RevokeInvitations(t.Context(), "P003"); err != nil {
		t.Fatal(err)
	}
	c.wait(time.Hour)
	for link, want := range map[string]string{used: "error token_consumed", old: "error token_expired", revoked: "error invalid_token"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if out := c.outcome(c.ask(method, link)); out != want {
				t.Errorf("%s: told %q, want %q", method, out, want)
			}
		}
	}
	if got := c.ask(http.MethodGet, page.LinkURL(c.base, strings.Repeat("a", 52))); got.status != 404 || got.location != "" {
		t.Errorf("an unknown link: %d to %s", got.status, got.location)
	}
}

// Where another browser comes back, it is asked first, and then goes to the program.
func TestAskedBeforeBack(t *testing.T) {
	for answer, want := range map[string]string{"yes": "success", "no": "error required_scopes_not_granted"} {
		c := newClinic(t, "")
		asks := c.question(c.issue("P001", program), "P001")
		if asks.title() != "Is this your own Dexcom account?" {
			t.Fatalf("%d %q", asks.status, asks.title())
		}
		if out := c.outcome(c.submit(asks, c.base+"/callback", "answer", answer)); out != want {
			t.Errorf("after %s: told %q, want %q", answer, out, want)
		}
	}
}

// An address that is not listed, or no longer, gets no browser; neither does a link of
// invite go anywhere.
func TestNoOpenRedirect(t *testing.T) {
	c := newClinic(t, "")
	for _, address := range []string{"https://evil.example/", "javascript:alert(1)", "//evil.example", ""} {
		link := c.issue("P001", address)
		if got := c.follow(link, "&user=P001"); got.status != 200 || got.title() != "You are connected. Thank you." {
			t.Errorf("%q: %d %q", address, got.status, got.title())
		}
		if got := c.ask(http.MethodGet, link); got.status != http.StatusGone || got.location != "" {
			t.Errorf("%q, used: %d to %s", address, got.status, got.location)
		}
	}
	link := c.issue("P001", program)
	c.server.MayReturn = func(string) bool { return false }
	if got := c.follow(link, "&user=P001"); got.title() != "You are connected. Thank you." {
		t.Errorf("no longer listed: %d %q", got.status, got.title())
	}
}

// The answer to a question may lead to a program of this machine or of an app.
func TestProgramsInPolicy(t *testing.T) {
	c := newClinic(t, "")
	listed := []string{"https://app.example.org/back", "http://localhost:3000/x", "org.example.app:/back"}
	c.server.Programs = func() []string { return listed }
	h, err := c.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	csp := answerOf(t, h, "/").Get("Content-Security-Policy")
	if !strings.Contains(csp, " http://localhost:3000 org.example.app:; base-uri") {
		t.Errorf("policy %s", csp)
	}
	listed = nil
	if csp := answerOf(t, h, "/").Get("Content-Security-Policy"); strings.Contains(csp, "localhost:3000") {
		t.Errorf("policy when none is listed any more: %s", csp)
	}
}

// A program's link is no invitation: nobody is reminded of it. That somebody said no to
// one counts.
func TestIssuedIsNoInvitation(t *testing.T) {
	c := newClinic(t, "")
	link := c.issue("P001", "")
	if got := c.progress("P001"); got != consent.NotInvited {
		t.Errorf("standing after a link was issued: %s", got)
	}
	c.ask(http.MethodGet, link)
	if got := c.progress("P001"); got != consent.NotInvited {
		t.Errorf("standing after it was opened: %s", got)
	}
	c.follow(link, "&user=P001&deny=1")
	if got := c.progress("P001"); got != consent.Denied {
		t.Errorf("standing after they said no: %s", got)
	}
	c.wait(100 * time.Hour) // others are forgotten, this is not
	c.issue("P001", "")
	if got := c.progress("P001"); got != consent.Denied {
		t.Errorf("standing days later: %s", got)
	}
}

// answerOf are the headers of an answer.
func answerOf(t *testing.T, h http.Handler, path string) http.Header {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Header()
}
