package page_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
)

// A clinic is a study whose pages are served, and the simulated Dexcom at
// which its participants sign in.
type clinic struct {
	t        *testing.T
	dexcom   *dexsim.Server
	consents *consent.Register
	grants   *consent.Grants
	server   *page.Server
	base     string         // of the pages
	person   *cookiejar.Jar // of the browser that asks: see anotherBrowser

	mu     sync.Mutex
	now    time.Time
	said   bytes.Buffer // events and log lines
	events []page.Event
	post   func(*http.Request) (*http.Response, error) // nil: to Dexcom
}

func (c *clinic) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clinic) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// RoundTrip carries requests to the token endpoint.
func (c *clinic) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	post := c.post
	c.mu.Unlock()
	if post != nil {
		return post(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *clinic) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(b)
}

func (c *clinic) note(e page.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
	fmt.Fprintf(&c.said, "%+v\n", e)
}

// last is the newest event.
func (c *clinic) last() page.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.events) == 0 {
		return page.Event{}
	}
	return c.events[len(c.events)-1]
}

// beside are the tests that run beside others.
var beside sync.Map

// newClinic opens a study of P001, P002 and P003 whose pages lie below path.
func newClinic(t *testing.T, path string) *clinic {
	t.Helper()
	if _, again := beside.LoadOrStore(t, true); !again {
		t.Parallel()
	}
	c := &clinic{t: t, now: time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)}
	c.anotherBrowser()
	var err error
	if c.dexcom, err = dexsim.New(dexsim.Config{Participants: 3, Days: 2, Now: c.clock}); err != nil {
		t.Fatal(err)
	}
	dexcom := httptest.NewServer(c.dexcom)
	t.Cleanup(dexcom.Close)
	dir := t.TempDir()
	store, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	store.Now = c.clock
	c.consents = &consent.Register{Store: store, Cohort: &cohort.Cohort{Store: store}}
	for _, id := range []string{"P001", "P002", "P003"} {
		p := cohort.Participant{ID: id, StudyStart: day(2026, 3, 1), StudyEnd: day(2026, 8, 31)}
		if err := c.consents.Cohort.AddParticipant(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	key, err := consent.OpenKey(t.Context(), filepath.Join(dir, "sealing.key"), c.consents)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(nil)
	c.base = "http://" + web.Listener.Addr().String() + path
	log := slog.New(slog.NewTextHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.grants = consent.New(c.consents, key, &consent.Client{Region: "us", Post: c, Log: log, Apps: map[string]consent.App{"us": {
		BaseURL: dexcom.URL, OAuthPrefix: "v2", ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret,
		RedirectURI: c.base + "/callback",
	}}})
	c.grants.Links.Wanted = goesOn
	c.server = &page.Server{Grants: c.grants, BaseURL: c.base, Events: c.note, Log: log,
		Study: page.Study{Name: "The Example Glucose Study", Contact: "Dr Ada Example, +1 555 0100, study@example.org"}}
	if web.Config.Handler, err = c.server.Handler(); err != nil {
		t.Fatal(err)
	}
	web.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	web.Start()
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return c
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// invite makes a link that works for two weeks.
func (c *clinic) invite(id string) (link string) {
	c.t.Helper()
	links, err := c.grants.Links.Invite(c.t.Context(), []string{id}, 14*24*time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	return page.LinkURL(c.base, string(links[0].Token))
}

// A seen is an answer as a browser sees it that follows no redirect.
type seen struct {
	status   int
	header   http.Header
	location string
	body     string
}

func (s seen) title() string {
	_, rest, _ := strings.Cut(s.body, "<h1>")
	title, _, _ := strings.Cut(rest, "</h1>")
	return title
}

func (c *clinic) ask(method, address string, header ...string) seen {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(r, header...)
}

// send sends what a browser does, with its cookies.
func (c *clinic) send(r *http.Request, header ...string) seen {
	c.t.Helper()
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, cookie := range c.person.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	c.person.SetCookies(r.URL, response.Cookies())
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	at, location := r.URL, response.Header.Get("Location")
	if to, err := url.Parse(location); location != "" && err == nil {
		location = at.ResolveReference(to).String()
	}
	return seen{response.StatusCode, response.Header, location, string(body)}
}

// press opens a link, presses its button and returns where that leads.
func (c *clinic) press(link string) (login string) {
	c.t.Helper()
	got := c.submit(c.ask(http.MethodGet, link), link)
	if got.status != http.StatusSeeOther {
		c.t.Fatalf("POST of the link: %d %q, want a redirect", got.status, got.title())
	}
	return got.location
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([0-9a-f]+)">`)

// submit sends the form of a page at an address, with more values: name, value.
func (c *clinic) submit(page seen, address string, more ...string) seen {
	c.t.Helper()
	form := url.Values{}
	for _, input := range hidden.FindAllStringSubmatch(page.body, -1) {
		form.Set(input[1], input[2])
	}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return c.sendForm(address, form)
}

// sendForm sends a form.
func (c *clinic) sendForm(address string, form url.Values) seen {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.send(r, "Content-Type", "application/x-www-form-urlencoded")
}

// anotherBrowser lets somebody else's browser ask from now on, without cookies.
func (c *clinic) anotherBrowser() {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.person = jar
}

// signIn signs in at Dexcom (more: &user=P001, and &deny=1) and returns the
// address at which the browser comes back.
func (c *clinic) signIn(login, more string) (back string) {
	c.t.Helper()
	return c.ask(http.MethodGet, login+more).location
}

// follow goes the whole way from the button to the page at its end.
func (c *clinic) follow(link, more string) seen {
	c.t.Helper()
	got := c.ask(http.MethodGet, c.signIn(c.press(link), more))
	if got.location == "" {
		return got
	}
	if strings.ContainsAny(got.location, "?#") {
		c.t.Errorf("the address of the last page has a query: it must not keep code or state")
	}
	return c.ask(http.MethodGet, got.location)
}

// progress is where somebody's consent stands.
func (c *clinic) progress(id string) consent.Progress {
	c.t.Helper()
	all, err := c.consents.Progress(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return all[id]
}

// silent expects that secrets, tokens of links among them, were told to nobody.
func (c *clinic) silent(secrets ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if i := strings.LastIndex(secret, "/"); i >= 0 {
			secret = secret[i+1:]
		}
		if strings.Contains(c.said.String(), secret) {
			c.t.Errorf("a secret is in the log or in an event:\n%s", c.said.String())
		}
	}
}

// goesOn is what the roster's status means, as far as these tests go.
func goesOn(p cohort.Participant) bool { return !p.Paused && p.Status != "withdrawn" }
