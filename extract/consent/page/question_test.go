package page_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
)

// question lets somebody else's browser come back from a link that this one
// pressed, and returns the page that asks.
func (c *clinic) question(link, user string) seen {
	c.t.Helper()
	login := c.press(link)
	c.anotherBrowser()
	got := c.ask(http.MethodGet, c.signIn(login, "&user="+user))
	if got.status != http.StatusSeeOther || got.location != c.base+"/callback" {
		c.t.Fatalf("another browser: %d to %s, want to be asked at the address without the code", got.status, got.location)
	}
	return c.ask(http.MethodGet, got.location)
}

// The button of one person's link, pressed by one and finished by another,
// connects nobody before the other has said yes.
func TestAnotherBrowserIsAsked(t *testing.T) {
	for answer, want := range map[string]struct {
		title    string
		standing consent.Progress
		kind     page.Kind
	}{
		"yes":   {"You are connected. Thank you.", consent.Joined, page.Connected},
		"no":    {"Nothing is kept", consent.Doubted, page.NotConfirmed},
		"maybe": {"Nothing is kept", consent.Doubted, page.NotConfirmed},
	} {
		t.Run(answer, func(t *testing.T) {
			c := newClinic(t, "")
			link := c.invite("P001")
			asks := c.question(link, "P002")
			if asks.status != 200 || asks.title() != "Is this your own Dexcom account?" || strings.Contains(asks.body, "P00") {
				t.Fatalf("the question: %d %q\n%s", asks.status, asks.title(), asks.body)
			}
			for _, text := range []string{"opened in another browser", "has readings since", "What the study reads", "Your glucose readings",
				"From 1\u00a0March\u00a02026", "How to stop", "15 minutes", "your own?"} {
				if !strings.Contains(asks.body, text) {
					t.Errorf("the page does not say %q:\n%s", text, asks.body)
				}
			}
			if no, yes := strings.Index(asks.body, `value="no"`), strings.Index(asks.body, `value="yes"`); no < 0 || yes < no {
				t.Errorf("no at %d, yes at %d: no stands first", no, yes)
			}
			if got := c.progress("P001"); got != consent.Waiting || c.last().Kind != page.Asked {
				t.Errorf("standing while it waits: %s, last event %+v", got, c.last())
			}
			got := c.submit(asks, c.base+"/callback", "answer", answer)
			if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, c.base+"/done/") {
				t.Fatalf("after %s: %d to %s", answer, got.status, got.location)
			}
			if last := c.ask(http.MethodGet, got.location); last.title() != want.title {
				t.Errorf("after %s: %q, want %q", answer, last.title(), want.title)
			}
			if e := c.last(); c.progress("P001") != want.standing || e.Kind != want.kind || e.ParticipantID != "P001" {
				t.Errorf("standing %s, last event %+v; want %s, %s", c.progress("P001"), e, want.standing, want.kind)
			}
			if again := c.submit(asks, c.base+"/callback", "answer", "yes"); again.status != 400 || again.title() != "This page has done its work" {
				t.Errorf("yes afterwards: %d %q", again.status, again.title())
			}
			if again := c.ask(http.MethodGet, c.base+"/callback"); again.status != 400 {
				t.Errorf("the question afterwards: %d %q", again.status, again.title())
			}
			c.silent(link)
		})
	}
}

// A yes counts from the browser that was asked, with the token of its own page.
func TestYesCannotBeForged(t *testing.T) {
	c := newClinic(t, "")
	asks := c.question(c.invite("P001"), "P002")
	theirs := c.person
	token := hidden.FindStringSubmatch(asks.body)[2]
	for name, form := range map[string]url.Values{
		"no token": {"answer": {"yes"}}, "another token": {"answer": {"yes"}, "token": {strings.Repeat("0", len(token))}},
	} {
		if got := c.sendForm(c.base+"/callback", form); got.status != 400 {
			t.Errorf("%s: %d %q", name, got.status, got.title())
		}
	}
	c.anotherBrowser()
	for name, do := range map[string]func() seen{
		"another browser, with the token": func() seen {
			return c.sendForm(c.base+"/callback", url.Values{"answer": {"yes"}, "token": {token}})
		},
		"a GET":        func() seen { return c.ask(http.MethodGet, c.base+"/callback?answer=yes&token="+token) },
		"another page": func() seen { return c.ask(http.MethodGet, c.base+"/callback") },
	} {
		if got := do(); got.status != 400 {
			t.Errorf("%s: %d %q", name, got.status, got.title())
		}
	}
	if got := c.progress("P001"); got != consent.Waiting {
		t.Errorf("standing: %s, want that it still waits", got)
	}
	c.person = theirs
	if got := c.submit(asks, c.base+"/callback", "answer", "yes"); !strings.HasSuffix(got.location, "/done/connected") {
		t.Errorf("the right yes: %d to %s", got.status, got.location)
	}
}

// A button that another site presses, or whose page was never seen, begins a
// consent that belongs to nobody: at its end the person is asked.
func TestForgedButton(t *testing.T) {
	for name, form := range map[string]func(c *clinic, link string) url.Values{
		"no token":           func(*clinic, string) url.Values { return url.Values{} },
		"the attacker's own": func(c *clinic, link string) url.Values { return c.tokenOf(link) },
		"of another link":    func(c *clinic, _ string) url.Values { return c.tokenOf(c.invite("P001")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClinic(t, "")
			link := c.invite("P001")
			values := form(c, link)
			if name != "of another link" {
				c.anotherBrowser()
				c.ask(http.MethodGet, c.invite("P002")) // it has a cookie of ours
			}
			login := c.sendForm(link, values).location
			got := c.ask(http.MethodGet, c.signIn(login, "&user=P002"))
			if got.location != c.base+"/callback" || c.progress("P001") != consent.Waiting {
				t.Errorf("%d to %s, standing %s; want that it is asked", got.status, got.location, c.progress("P001"))
			}
		})
	}
}

// tokenOf is what the page of a link gives this browser to send.
func (c *clinic) tokenOf(link string) url.Values {
	c.t.Helper()
	found := hidden.FindStringSubmatch(c.ask(http.MethodGet, link).body)
	if found == nil {
		c.t.Fatal("no hidden field")
	}
	return url.Values{found[1]: {found[2]}}
}

// The cookie is the browser's own: of this host alone, by https alone where there
// is https, out of reach of scripts, and kept for two hours.
func TestCookie(t *testing.T) {
	for _, tt := range []struct{ base, want string }{
		{"", "dexetl=VALUE; Path=/; Max-Age=7200; HttpOnly; SameSite=Lax"},
		{"https://consent.example.org/cgm", "__Host-dexetl=VALUE; Path=/; Max-Age=7200; HttpOnly; Secure; SameSite=Lax"},
	} {
		c := newClinic(t, "")
		c.server.BaseURL = tt.base
		handler, err := c.server.Handler()
		if err != nil {
			t.Fatal(err)
		}
		link := page.LinkURL(tt.base, c.invite("P001")[len(c.base+"/i/"):])
		var cookies []string
		for range 2 { // the same, the second time
			r := httptest.NewRequest(http.MethodGet, link, nil)
			for _, cookie := range cookies {
				r.Header.Set("Cookie", strings.SplitN(cookie, ";", 2)[0])
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			got := w.Header().Values("Set-Cookie")
			if len(got) != 1 || cookies != nil && !slices.Equal(got, cookies) {
				t.Fatalf("cookies %q, before %q; want one, the same", got, cookies)
			}
			cookies = got
		}
		_, rest, _ := strings.Cut(cookies[0], "=")
		value, _, _ := strings.Cut(rest, ";")
		if got := strings.Replace(cookies[0], value, "VALUE", 1); got != tt.want || len(value) != 52 {
			t.Errorf("cookie %q of %d characters, want %q", got, len(value), tt.want)
		}
	}
}

// However often a link is opened and pressed, and rubbish comes back, the operator
// reads a line a second, the link rests, and another person connects meanwhile.
func TestFloodOfOneLink(t *testing.T) {
	c := newClinic(t, "")
	link := c.invite("P001")
	begun, resting := 0, 0
	for range 100 {
		switch got := c.submit(c.ask(http.MethodGet, link), link); got.status {
		case http.StatusSeeOther:
			begun++
			back, err := url.Parse(c.signIn(got.location, "&user=P001&deny=1"))
			if err != nil {
				t.Fatal(err)
			}
			c.ask(http.MethodGet, c.base+"/callback?"+url.Values{"state": {back.Query().Get("state")}, "code": {"rubbish"}}.Encode())
		case http.StatusTooManyRequests:
			resting++
			if got.title() != "Please wait a little" || got.header.Get("Retry-After") == "" {
				t.Fatalf("a link that rests: %q, Retry-After %q", got.title(), got.header.Get("Retry-After"))
			}
		}
		c.ask(http.MethodGet, c.base+"/callback?state=rubbish&code=rubbish")
		c.ask(http.MethodGet, link+"x")
	}
	if begun != 10 || resting != 90 {
		t.Errorf("%d consents begun, %d refused; want 10 and 90", begun, resting)
	}
	counts := map[string]int{}
	for _, e := range c.events {
		counts[fmt.Sprint(e.Kind, " ", e.ParticipantID)]++
	}
	want := map[string]int{"opened P001": 1, "sent_to_dexcom P001": 1, "refused ": 1, "refused P001": 1, "failed P001": 10}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("within a second the operator reads %v, want %v", counts, want)
	}
	c.anotherBrowser()
	if last := c.follow(c.invite("P002"), "&user=P002"); last.title() != "You are connected. Thank you." {
		t.Errorf("another person meanwhile: %d %q", last.status, last.title())
	}
	c.wait(time.Second)
	c.ask(http.MethodGet, c.base+"/callback?state=rubbish&code=rubbish")
	if e := c.last(); e.Kind != page.Refused || e.Untold != 199 {
		t.Errorf("a second later: %+v, want that 199 were not told", e)
	}
}

// An address that asks for too much waits; others do not. Which address it is says
// the header that is configured, its last entry, and no other.
func TestFloodOfOneAddress(t *testing.T) {
	c := newClinic(t, "")
	c.server.ClientHeader = "X-Forwarded-For"
	handler, err := c.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(header ...string) int {
		r := httptest.NewRequest(http.MethodGet, "/done/connected", nil)
		r.RemoteAddr = "127.0.0.1:1"
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	allowed := 0
	for n := range 200 {
		// What the person's machine claims changes; what the proxy adds does not.
		if ask("X-Forwarded-For", fmt.Sprintf("10.0.0.%d, 192.0.2.7", n), "X-Real-IP", fmt.Sprintf("10.1.0.%d", n), "Forwarded", fmt.Sprintf("for=10.2.0.%d", n)) == 200 {
			allowed++
		}
	}
	if allowed != 60 {
		t.Errorf("%d of 200 requests of one address were answered, want 60", allowed)
	}
	for name, header := range map[string][]string{
		"another":              {"X-Forwarded-For", "192.0.2.7, 192.0.2.8"},
		"in a line of its own": {"X-Forwarded-For", "192.0.2.7", "X-Forwarded-For", "192.0.2.9"},
		"of IPv6":              {"X-Forwarded-For", "2001:db8::1"},
		"no address":           {"X-Forwarded-For", "unknown"},
		"none":                 nil,
	} {
		if got := ask(header...); got != 200 {
			t.Errorf("%s: %d, want 200", name, got)
		}
	}
	for n := range 100 {
		ask("X-Forwarded-For", fmt.Sprintf("2001:db8::%x", n))
	}
	if got := ask("X-Forwarded-For", "[2001:db8::ffff]:443"); got != http.StatusTooManyRequests {
		t.Errorf("another address of the network that asked too much: %d, want 429", got)
	}
	c.wait(time.Second)
	if first, second := ask("X-Forwarded-For", "192.0.2.7"), ask("X-Forwarded-For", "192.0.2.7"); first != 200 || second != 429 {
		t.Errorf("a second later: %d, %d, want one answer more", first, second)
	}

	c.server.ClientHeader = ""
	if handler, err = c.server.Handler(); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if got := ask("X-Forwarded-For", "192.0.2.7"); got != 200 {
			t.Fatalf("request %d where no header is trusted: %d, want 200: all come from the proxy", n, got)
		}
	}
}

// While the pages are served, what nobody confirmed is destroyed in time, and the
// rest when they close.
func TestServeDestroysWhatWaits(t *testing.T) {
	c := newClinic(t, "")
	tick := make(chan time.Time)
	c.server.Tick = tick
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- c.server.Serve(ctx, l) }()
	c.question(c.invite("P001"), "P001")
	c.wait(15*time.Minute - time.Second)
	tick <- c.clock()
	tick <- c.clock() // the one before has been done
	if got := c.progress("P001"); got != consent.Waiting {
		t.Errorf("standing before the end: %s", got)
	}
	c.wait(time.Second)
	tick <- c.clock()
	tick <- c.clock()
	if e := c.last(); e.Kind != page.NotConfirmed || e.ParticipantID != "P001" {
		t.Errorf("after 15 minutes: %+v, want that P001's is destroyed", e)
	}
	c.anotherBrowser()
	asks := c.question(c.invite("P002"), "P002")
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if got := c.submit(asks, c.base+"/callback", "answer", "yes"); got.status != 400 {
		t.Errorf("yes after the pages were closed: %d %q", got.status, got.title())
	}
	if got := c.progress("P002"); got != consent.Doubted {
		t.Errorf("standing after the pages were closed: %s", got)
	}
}
