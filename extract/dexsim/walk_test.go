package dexsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// A client is the plainest reader of the API: net/http and encoding/json.
type client struct {
	t      *testing.T
	server *httptest.Server
	token  string // refresh
	access string
	tries  int // of one question; 0: 1
}

// start serves cfg on loopback until the test ends.
func start(t *testing.T, cfg Config) (*Server, *httptest.Server) {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h
}

func newClient(t *testing.T, s *Server, h *httptest.Server, user string) *client {
	t.Helper()
	c := &client{t: t, server: h, token: s.RefreshToken(user), tries: 1}
	c.refresh()
	return c
}

func tokenForm(grant string, more ...string) url.Values {
	form := url.Values{"client_id": {DefaultClientID}, "client_secret": {DefaultClientSecret}, "grant_type": {grant}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// refresh exchanges the refresh token for a new pair.
func (c *client) refresh() {
	c.t.Helper()
	var last string
	for range max(c.tries, 1) {
		answer, err := http.PostForm(c.server.URL+"/v2/oauth2/token", tokenForm("refresh_token", "refresh_token", c.token))
		if err != nil {
			c.t.Fatalf("refresh: %v", err)
		}
		var body struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
			Error   string
		}
		err = json.NewDecoder(answer.Body).Decode(&body)
		answer.Body.Close()
		if err != nil {
			c.t.Fatalf("refresh: %v", err)
		}
		if answer.StatusCode == http.StatusOK {
			c.access, c.token = body.Access, body.Refresh
			return
		}
		last = fmt.Sprint(answer.StatusCode, " ", body.Error)
	}
	c.t.Fatalf("refresh: got %s, want 200", last)
}

// get asks once.
func (c *client) get(path string) (*http.Response, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.server.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.access)
	return c.server.Client().Do(r)
}

// An envelope is the answer of every data endpoint.
type envelope struct {
	RecordType                 string
	RecordVersion              string
	UserID                     string `json:"userId"`
	Records                    []json.RawMessage
	EGVs, Events, Calibrations *struct{ Start, End map[string]string }
}

// ask asks until there is a good answer, at most c.tries times.
func (c *client) ask(path string) envelope {
	c.t.Helper()
	var problem error
	for range c.tries {
		var e envelope
		if e, problem = c.once(path); problem == nil {
			return e
		}
	}
	c.t.Fatalf("GET %s: %v after %d tries", path, problem, c.tries)
	return envelope{}
}

func (c *client) once(path string) (e envelope, err error) {
	answer, err := c.get(path)
	if err != nil {
		return e, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusUnauthorized {
		c.refresh()
	}
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		return e, fmt.Errorf("%s, %s", answer.Status, answer.Header.Get("Content-Type"))
	}
	if err := json.NewDecoder(answer.Body).Decode(&e); err != nil {
		return e, err
	}
	if e.UserID == "" || e.RecordType == "profile" {
		return e, fmt.Errorf("envelope %+v", e)
	}
	return e, nil
}

// window is the path of a question about [from, to).
func window(resource string, from, to time.Time) string {
	const layout = "2006-01-02T15:04:05"
	q := url.Values{"startDate": {from.UTC().Format(layout)}, "endDate": {to.UTC().Format(layout)}}
	return "/v3/users/self/" + resource + "?" + q.Encode()
}

// walk asks for all windows of a resource in [from, to).
func (c *client) walk(resource string, from, to time.Time) []json.RawMessage {
	c.t.Helper()
	var all []json.RawMessage
	for at := from; at.Before(to); at = at.Add(30 * 24 * time.Hour) {
		end := at.Add(30 * 24 * time.Hour)
		if end.After(to) {
			end = to
		}
		e := c.ask(window(resource, at, end))
		if resource == "egvs" && len(e.Records) == 0 {
			e = c.ask(window(resource, at, end)) // an empty answer is not believed at once
		}
		all = append(all, e.Records...)
	}
	return all
}
