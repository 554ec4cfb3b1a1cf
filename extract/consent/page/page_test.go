package page_test

import (
	"context"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
)

// From the link to tokens that work, and then the link has done its work. The
// same below a path of the public address.
func TestLinkConnects(t *testing.T) {
	for _, path := range []string{"", "/cgm"} {
		t.Run("at "+path+"/", func(t *testing.T) {
			c := newClinic(t, path)
			link, other := c.invite("P001"), c.invite("P001")
			if got := c.progress("P001"); got != consent.NotOpened {
				t.Errorf("standing of an invited participant: %s", got)
			}
			landing := c.ask(http.MethodGet, link)
			if landing.status != 200 || !strings.Contains(landing.body, "From 1\u00a0March\u00a02026 to 31\u00a0August\u00a02026") {
				t.Errorf("GET of the link: %d, want 200 and the participant's days\n%s", landing.status, landing.body)
			}
			if got := c.progress("P001"); got != consent.Opened {
				t.Errorf("standing after the link was opened: %s", got)
			}
			last := c.follow(link, "&user=P001")
			if last.status != 200 || last.title() != "You are connected. Thank you." {
				t.Errorf("last page: %d %q", last.status, last.title())
			}
			if e := c.last(); e.Kind != page.Connected || e.ParticipantID != "P001" || len(e.Found.Devices) == 0 {
				t.Errorf("last event: %+v, want P001 connected, with devices", e)
			}
			if got := c.progress("P001"); got != consent.Joined {
				t.Errorf("standing after the link was followed: %s", got)
			}
			id := c.last().Found.Connection.ID
			if token, err := c.grants.Accounts.Token(t.Context(), id); err != nil || token == "" {
				t.Errorf("Token = %v", err)
			}
			// Every link of theirs is spent: they lie about in mailboxes.
			for _, l := range []string{link, other} {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					if got := c.ask(method, l); got.status != http.StatusGone || got.title() != "You are connected already" {
						t.Errorf("%s of a link that was used: %d %q", method, got.status, got.title())
					}
				}
			}
			c.silent(link, other)
		})
	}
}

// Programs that look at links in mails use nothing up, and what announces
// itself as one does not even count as opening it.
func TestPreviewsUseNothingUp(t *testing.T) {
	c := newClinic(t, "")
	link := c.invite("P001")
	for _, preview := range [][]string{
		{http.MethodHead},
		{http.MethodGet, "Sec-Purpose", "prefetch;prerender"},
		{http.MethodGet, "Purpose", "preview"},
	} {
		if got := c.ask(preview[0], link, preview[1:]...); got.status != 200 {
			t.Errorf("%v: %d, want 200", preview, got.status)
		}
		if got := c.progress("P001"); got != consent.NotOpened {
			t.Errorf("standing after %v: %s, want not_opened", preview, got)
		}
	}
	for range 3 {
		c.ask(http.MethodGet, link)
	}
	if last := c.follow(link, "&user=P001"); last.status != 200 {
		t.Errorf("followed after previews: %d %q", last.status, last.title())
	}
}

// Who says no is told that the same link still works; it does.
func TestDeniedMayTryAgain(t *testing.T) {
	c := newClinic(t, "")
	link := c.invite("P002")
	c.ask(http.MethodGet, link)
	last := c.follow(link, "&user=P002&deny=1")
	if last.status != 200 || last.title() != "Nothing is shared" || !strings.Contains(last.body, "same link") {
		t.Errorf("page after denying: %d %q", last.status, last.title())
	}
	if got := c.progress("P002"); got != consent.Denied || c.last().Kind != page.Denied {
		t.Errorf("standing after denying: %s, last event %+v", got, c.last())
	}
	if last = c.follow(link, "&user=P002"); last.title() != "You are connected. Thank you." {
		t.Errorf("the same link after denying: %d %q", last.status, last.title())
	}
	if got := c.progress("P002"); got != consent.Joined {
		t.Errorf("standing after denying and connecting: %s", got)
	}
}

// A link that does not work says so, each reason with words and status of its
// own, with the same page for everybody and no participant's name.
func TestLinksThatDoNotWork(t *testing.T) {
	c := newClinic(t, "")
	link, second := c.invite("P001"), c.invite("P002")
	change := func(change func(p *cohort.Participant)) func() {
		return func() {
			for _, id := range []string{"P001", "P002"} {
				p, err := c.consents.Cohort.Participant(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				change(&p)
				roster := "participant_id,status\n" + id + "," + p.Status + "\n"
				if _, err := c.consents.Cohort.ImportRoster(t.Context(), strings.NewReader(roster)); err != nil {
					t.Fatal(err)
				}
				if err := c.consents.Cohort.SetPaused(t.Context(), id, p.Paused); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, test := range []struct {
		name   string
		do     func()
		status int
		title  string
	}{
		{"paused", change(func(p *cohort.Participant) { p.Paused = true }), 410, "This link no longer works"},
		{"withdrawn", change(func(p *cohort.Participant) { p.Paused, p.Status = false, "withdrawn" }), 410, "This link no longer works"},
		{"back", change(func(p *cohort.Participant) { p.Status = "enrolled" }), 200, "Share your Dexcom data with the study"},
		{"a moment before the end", func() { c.wait(14*24*time.Hour - time.Second) }, 200, "Share your Dexcom data with the study"},
		{"expired", func() { c.wait(time.Second) }, 410, "This link has expired"},
		{"revoked", func() {
			link, second = c.invite("P001"), c.invite("P002")
			for _, id := range []string{"P001", "P002"} {
				if n, err := c.consents.RevokeInvitations(t.Context(), id); n != 1 || err != nil {
					t.Fatalf("RevokeInvitations(%s) = %d, %v; want 1: one had expired before", id, n, err)
				}
			}
		}, 410, "This link no longer works"},
		{"unknown", func() { link, second = link+"x", link[:len(link)-1] }, 404, "We do not know this link"},
	} {
		test.do()
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if test.status == 200 && method == http.MethodPost {
				continue
			}
			first, other := c.ask(method, link), c.ask(method, second)
			if first.status != test.status || first.title() != test.title {
				t.Errorf("%s: %s: %d %q, want %d %q", test.name, method, first.status, first.title(), test.status, test.title)
			}
			if hidden.ReplaceAllString(first.body, "") != hidden.ReplaceAllString(other.body, "") {
				t.Errorf("%s: %s: the page differs between participants", test.name, method)
			}
			if strings.Contains(first.body, "P001") {
				t.Errorf("%s: %s: the page names the participant", test.name, method)
			}
		}
	}
	if got := c.progress("P001"); got != consent.Lapsed {
		t.Errorf("standing after the end of the links: %s, want %s", got, consent.Lapsed)
	}
}

// Where Dexcom's server fails, the person is told to come back, and can.
func TestDexcomFails(t *testing.T) {
	c := newClinic(t, "")
	link := c.invite("P001")
	c.post = func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<html>")), Request: r}, nil
	}
	last := c.follow(link, "&user=P001")
	if last.status != 503 || !strings.Contains(last.body, "Nothing is lost") || last.header.Get("Retry-After") == "" {
		t.Errorf("page when Dexcom fails: %d %q", last.status, last.title())
	}
	if e := c.last(); e.Kind != page.Failed || e.ParticipantID != "P001" || e.Err == nil {
		t.Errorf("last event: %+v, want that P001 failed, and why", e)
	}
	c.post = nil
	if last := c.follow(link, "&user=P001"); last.status != 200 {
		t.Errorf("the same link afterwards: %d %q", last.status, last.title())
	}
}

// Who signs in with an account that is somebody else's is asked to call, and
// told nothing about anybody. The link stays good.
func TestSomebodyElsesAccount(t *testing.T) {
	c := newClinic(t, "")
	c.follow(c.invite("P001"), "&user=P001")
	link := c.invite("P002")
	last := c.follow(link, "&user=P001")
	if last.status != http.StatusConflict || last.title() != "Please call the study team" || strings.Contains(last.body, "P00") {
		t.Errorf("page for another's account: %d %q\n%s", last.status, last.title(), last.body)
	}
	if e := c.last(); e.Kind != page.WrongAccount || e.ParticipantID != "P002" {
		t.Errorf("last event: %+v, want P002's wrong account", e)
	}
	if last := c.follow(link, "&user=P002"); last.status != 200 {
		t.Errorf("with the right account: %d %q", last.status, last.title())
	}
	// Connected people who are invited again and come with another account.
	if last := c.follow(c.invite("P002"), "&user=P003"); last.status != http.StatusConflict {
		t.Errorf("with another account than before: %d %q", last.status, last.title())
	}
}

// A sign-in belongs to its link: once that was revoked or has connected, what
// still comes back is refused before its code is spent. So is what nobody began.
func TestSignInBelongsToItsLink(t *testing.T) {
	c := newClinic(t, "")
	stale := func(name, back string) {
		t.Helper()
		before := c.dexcom.Stats().Codes
		got := c.ask(http.MethodGet, back)
		if got.status != 400 || got.title() != "This page has done its work" {
			t.Errorf("%s: %d %q, want 400", name, got.status, got.title())
		}
		if n := c.dexcom.Stats().Codes - before; n != 0 {
			t.Errorf("%s: %d codes were exchanged", name, n)
		}
	}
	link := c.invite("P001")
	revoked := c.signIn(c.press(link), "&user=P001")
	if _, err := c.consents.RevokeInvitations(t.Context(), "P001"); err != nil {
		t.Fatal(err)
	}
	stale("revoked meanwhile", revoked)
	if got := c.progress("P001"); got != consent.NotInvited {
		t.Errorf("standing after revocation: %s", got)
	}

	paused := c.signIn(c.press(c.invite("P003")), "&user=P003")
	if err := c.consents.Cohort.SetPaused(t.Context(), "P003", true); err != nil {
		t.Fatal(err)
	}
	stale("paused meanwhile", paused)

	link = c.invite("P001")
	first, second := c.signIn(c.press(link), "&user=P001"), c.signIn(c.press(link), "&user=P001")
	if got := c.ask(http.MethodHead, first); got.status != 400 {
		t.Errorf("HEAD of the redirect URI: %d, want 400 and no code spent", got.status)
	}
	if got := c.ask(http.MethodGet, first); got.status != http.StatusSeeOther {
		t.Errorf("first sign-in: %d", got.status)
	}
	stale("loaded again", first)
	stale("second sign-in with one link", second)

	link = c.invite("P002")
	late := c.signIn(c.press(link), "&user=P002")
	c.wait(61 * time.Minute)
	stale("an hour later", late)
	forged := c.base + "/callback?" + url.Values{"code": {"0123456789abcdef"}, "state": {"forged"}}.Encode()
	stale("forged", forged)
	stale("empty", c.base+"/callback")
	code, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	c.silent(link, code.Query().Get("code"), code.Query().Get("state"))
}

// Every answer forbids what pages have no need of, sets no cookie but that of a
// link's page, and redirects nowhere but to Dexcom and to itself.
func TestEveryAnswerIsStrict(t *testing.T) {
	c := newClinic(t, "/cgm")
	link := c.invite("P001")
	for _, address := range []string{link, link + "x", c.base + "/done/connected", c.base + "/done/nonsense", c.base + "/callback?state=x&code=y",
		c.base + "/", c.base + "//example.org/", c.base + "/i/", strings.TrimSuffix(c.base, "/cgm") + "/robots.txt"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			got := c.ask(method, address)
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
				if got.header.Get(name) != want {
					t.Errorf("%s %s: %s: %q, want %q", method, address, name, got.header.Get(name), want)
				}
			}
			policy := got.header.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("%s %s: policy %q lacks %q", method, address, policy, want)
				}
			}
			if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") || got.header.Get("Set-Cookie") != "" && !(method == http.MethodGet && address == link) {
				t.Errorf("%s %s: policy %q, cookie %q", method, address, policy, got.header.Get("Set-Cookie"))
			}
			ours, dexcom := strings.HasPrefix(got.location, c.base+"/"), strings.HasPrefix(got.location, c.grants.Client.Apps["us"].BaseURL+"/v2/oauth2/login?")
			if got.location != "" && !ours && !dexcom {
				t.Errorf("%s %s redirects to %s", method, address, got.location)
			}
		}
	}
}

// What the study wrote into its configuration is text, whatever it looks like.
func TestTextIsEscaped(t *testing.T) {
	c := newClinic(t, "")
	c.server.Study = page.Study{Name: `<script>alert(1)</script> & "Co"`, Contact: `<b>Ada</b>, ada@example.org"onclick=x, +1 (555) 01-00`}
	handler, err := c.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	c.serve(handler)
	for _, address := range []string{c.invite("P001"), c.base + "/done/connected"} {
		body := c.ask(http.MethodGet, address).body
		if strings.Contains(body, "<script") || strings.Contains(body, "<b>") || strings.Contains(body, `"onclick`) {
			t.Errorf("markup came through:\n%s", body)
		}
		for _, link := range []string{`<a href="mailto:ada@example.org">ada@example.org</a>`, `<a href="tel:+15550100">+1 (555) 01-00</a>`} {
			if !strings.Contains(html.UnescapeString(body), link) {
				t.Errorf("the page lacks %s:\n%s", link, body)
			}
		}
	}
}

// serve serves handler as the clinic's pages.
func (c *clinic) serve(handler http.Handler) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.base = "http://" + l.Addr().String()
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	c.t.Cleanup(func() { server.Close() })
}

// A browser that goes away while its consent is finished loses nothing: the
// code works once.
func TestBrowserGoesAway(t *testing.T) {
	c := newClinic(t, "")
	handler, err := c.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	back := c.signIn(c.press(c.invite("P001")), "&user=P001")
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, http.MethodGet, back, nil)
	for _, cookie := range c.person.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if got := c.progress("P001"); got != consent.Joined {
		t.Errorf("standing: %s, last event %+v", got, c.last())
	}
}

// A consent that is on its way through the token endpoint when the server is
// to stop is finished first, and its page sent.
func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	c := newClinic(t, "")
	ctx, stop := context.WithCancel(t.Context())
	c.post = func(r *http.Request) (*http.Response, error) {
		stop()
		return http.DefaultTransport.RoundTrip(r)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- c.server.Serve(ctx, l) }()
	back := c.signIn(c.press(c.invite("P001")), "&user=P001")
	back = strings.Replace(back, c.base, "http://"+l.Addr().String(), 1)
	if got := c.ask(http.MethodGet, back); got.status != http.StatusSeeOther || !strings.HasSuffix(got.location, "/done/connected") {
		t.Errorf("the sign-in under way: %d to %s", got.status, got.location)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v, want nil: that is how a server stops", err)
	}
	if got := c.progress("P001"); got != consent.Joined {
		t.Errorf("standing: %s", got)
	}
}
