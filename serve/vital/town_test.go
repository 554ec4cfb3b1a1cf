package vital

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/api/apitest"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
)

// A town is a study whose API and consent pages are served, and the simulated Dexcom at
// which its people sign in.
type town struct {
	t       *testing.T
	study   *study.Study
	api     *api.API
	base    string
	key     string        // may do everything
	refresh time.Duration // how long a refresh takes

	mu  sync.Mutex
	now time.Time
}

func (v *town) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *town) wait(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// program is where people are led back to.
const program = "https://app.example.org/back"

func newTown(t *testing.T) *town {
	t.Helper()
	t.Parallel()
	v := &town{t: t, now: time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)}
	sim, err := dexsim.New(dexsim.Config{Seed: 3, Participants: 3, Days: 10, End: v.now, Now: v.clock, ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret})
	check(t, err)
	dexcom := httptest.NewServer(sim)
	t.Cleanup(dexcom.Close)
	web := httptest.NewUnstartedServer(nil)
	v.base = "http://" + web.Listener.Addr().String()
	v.open(dexcom.URL)
	v.api = api.New(api.Service{Study: v.study, Keys: access.Keys{Store: v.study.Store}, Identities: access.Identities{Store: v.study.Store},
		Version: "test", Now: v.clock, Log: v.study.Logger, PerMinute: 1e6})
	v.api.Observe = apitest.Described(t, v.api)
	reader := &frozen.Reader{Study: v.study}
	t.Cleanup(func() { reader.Close() })
	Users{API: v.api, Reader: reader, Refresh: v.sync}.Register()
	Linking{API: v.api, Linker: &study.Linker{Study: v.study}, Listen: web.Listener.Addr().String()}.Register()
	Introspection{API: v.api, Reader: reader}.Register()
	v.key = v.addKey("all", access.Rights{Scope: access.Manage, Notes: true})
	pages, routes := v.pages(), v.api.Handler()
	web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v.study.IsPage(r.URL.Path) {
			pages.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	})
	web.Start()
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return v
}

func (v *town) open(dexcom string) {
	v.t.Helper()
	dir := v.t.TempDir()
	text := fmt.Sprintf("version: 1\nstudy: {id: TOWN}\napi: {base_url: %q, client_id: %s, client_secret_file: client-secret, redirect_uri: %q}\nserve: {redirect_urls: [%q]}\n",
		dexcom, dexsim.DefaultClientID, v.base+"/callback", program)
	check(v.t, os.WriteFile(filepath.Join(dir, "dexetl.yaml"), []byte(text), 0o600))
	check(v.t, os.WriteFile(filepath.Join(dir, "client-secret"), []byte(dexsim.DefaultClientSecret), 0o600))
	s, err := study.OpenFolder(dir, study.Program{
		Version: "test", Now: v.clock, Getenv: func(string) string { return "" }, Stderr: io.Discard, Logger: slog.New(slog.DiscardHandler),
		Tell: func(study.Fact) {}, Busy: func(study.Work) func() { return func() {} }, Fetched: func(extract.Progress) {},
	})
	check(v.t, err)
	check(v.t, s.OpenState(v.t.Context(), state.Author{Who: "server@here", Command: "serve"}))
	v.t.Cleanup(func() { s.Close() })
	v.study = s
}

// pages are the consent pages, which are served until the test ends.
func (v *town) pages() http.Handler {
	v.t.Helper()
	ready, ended := make(chan http.Handler, 1), make(chan error, 1)
	ctx, end := context.WithCancel(context.WithoutCancel(v.t.Context()))
	go func() {
		ended <- v.study.Connecting(ctx, func(error) int { return 0 }, func(g *consent.Grants) error {
			h, err := v.study.Pages(g, nil).Handler()
			ready <- h
			<-ctx.Done()
			return err
		})
	}()
	v.t.Cleanup(func() { // before the state is closed
		end()
		check(v.t, <-ended)
	})
	select {
	case h := <-ready:
		return h
	case err := <-ended:
		v.t.Fatalf("pages: %v", err)
		return nil
	}
}

// sync is a refresh.
func (v *town) sync(ctx context.Context, id string, wait time.Duration) (done bool, err error) {
	if v.refresh > wait {
		return false, nil
	}
	job := study.Job{Run: extract.Run{Job: plan.Job{Mode: plan.Sync, Trailing: 7 * 24 * time.Hour, Deep: 30 * 24 * time.Hour}}, ExitCode: func(study.Result, error) int { return 0 }}
	return true, v.study.SyncThese(ctx, []string{id}, job)[id]
}

// run is a run of the schedule.
func (v *town) run() {
	v.t.Helper()
	job := study.Job{Run: extract.Run{Job: plan.Job{Mode: plan.Sync, Trailing: 7 * 24 * time.Hour, Deep: 30 * 24 * time.Hour}}, ExitCode: func(study.Result, error) int { return 0 }}
	_, err := v.study.Run(v.t.Context(), job)
	check(v.t, err)
}

func (v *town) addKey(name string, r access.Rights) string {
	v.t.Helper()
	secret, _, err := v.api.Keys.Add(v.t.Context(), name, r)
	check(v.t, err)
	return string(secret)
}

// A reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	text   string
}

// ask sends a request with a key, or with another header of the form "name: value".
func (v *town) ask(key, method, path, body string) reply {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	check(v.t, err)
	name, value, other := strings.Cut(key, ": ")
	if !other {
		name, value = api.KeyHeader, key
	}
	r.Header.Set(name, value)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	got, err := http.DefaultTransport.RoundTrip(r)
	check(v.t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	check(v.t, err)
	return reply{got.StatusCode, got.Header, strings.TrimSpace(string(text))}
}

// does is ask with the key that may do everything, for what has to go well.
func (v *town) does(method, path, body string, out any) {
	v.t.Helper()
	got := v.ask(v.key, method, path, body)
	if got.status != http.StatusOK && got.status != http.StatusNoContent {
		v.t.Fatalf("%s %s: %d %s", method, path, got.status, got.text)
	}
	if out == nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader([]byte(got.text)))
	d.DisallowUnknownFields()
	check(v.t, d.Decode(out))
}

// create adds a user and returns their id.
func (v *town) create(id, more string) string {
	v.t.Helper()
	var user User
	v.does("POST", "/v2/user", `{"client_user_id":"`+id+`"`+more+`}`, &user)
	return user.UserID
}

func (v *town) person(id string) cohort.Participant {
	v.t.Helper()
	who, err := v.study.Cohort.Participant(v.t.Context(), id)
	check(v.t, err)
	return who
}

var pressed = regexp.MustCompile(`name="press" value="([0-9a-f]+)"`)

// signIn follows a link in a browser as one of Dexcom's people, and returns where that
// leads.
func (v *town) signIn(link, as string) (at string) {
	v.t.Helper()
	jar, err := cookiejar.New(nil)
	check(v.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(link)
	check(v.t, err)
	text, err := io.ReadAll(page.Body)
	page.Body.Close()
	check(v.t, err)
	found := pressed.FindStringSubmatch(string(text))
	if found == nil {
		v.t.Fatalf("the page of the link: %d\n%s", page.StatusCode, text)
	}
	login, err := browser.PostForm(link, url.Values{"press": {found[1]}})
	check(v.t, err)
	login.Body.Close()
	back, err := browser.Get(login.Header.Get("Location") + as)
	check(v.t, err)
	back.Body.Close()
	end, err := browser.Get(back.Header.Get("Location"))
	check(v.t, err)
	end.Body.Close()
	return end.Header.Get("Location")
}

// connect creates a user whose account is one of Dexcom's people's.
func (v *town) connect(id string) (user string) {
	v.t.Helper()
	user = v.create(id, "")
	if at := v.signIn(v.link(user).LinkWebURL, "&user="+id); at != program+"?state=success" {
		v.t.Fatalf("the browser is led to %s", at)
	}
	return user
}

func (v *town) link(user string) (made LinkToken) {
	v.t.Helper()
	v.does("POST", "/v2/link/token", `{"user_id":"`+user+`","redirect_url":"`+program+`"}`, &made)
	return made
}
