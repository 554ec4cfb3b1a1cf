package dexsim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A desk is a server without a network, with a clock to turn.
type desk struct {
	*Server
	t   *testing.T
	now time.Time
}

func newDesk(t *testing.T, cfg Config) *desk {
	t.Helper()
	d := &desk{t: t, now: dataEnd.AddDate(0, 3, 0)}
	cfg.Now = func() time.Time { return d.now }
	s, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	d.Server = s
	return d
}

// get asks for path with an access token, "" for none.
func (d *desk) get(path, access string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// post sends form to the token endpoint and returns status and answer.
func (d *desk) post(form url.Values) (int, map[string]any) {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v3/oauth2/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.sendToken(r)
}

func (d *desk) sendToken(r *http.Request) (int, map[string]any) {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		d.t.Fatalf("POST token: %d %q: %v", w.Code, w.Body, err)
	}
	return w.Code, body
}

// want posts form and checks the status, and the error if it is not 200.
func (d *desk) want(what string, form url.Values, status int, problem string) map[string]any {
	d.t.Helper()
	got, body := d.post(form)
	if got != status || status != 200 && body["error"] != problem {
		d.t.Errorf("%s: got %d %v, want %d %s", what, got, body["error"], status, problem)
	}
	return body
}

const redirect = "http://localhost:8085/callback"

func loginPath(change func(url.Values)) string {
	q := url.Values{
		"client_id": {DefaultClientID}, "redirect_uri": {redirect}, "response_type": {"code"},
		"scope": {"offline_access"}, "state": {"s t&a+t=e"}, "user": {"P001"},
	}
	if change != nil {
		change(q)
	}
	return "/v2/oauth2/login?" + q.Encode()
}

// consent signs P001 in through the back door and returns the code.
func (d *desk) consent() string {
	d.t.Helper()
	w := d.get(loginPath(nil), "")
	to, err := url.Parse(w.Header().Get("Location"))
	if w.Code != http.StatusFound || err != nil {
		d.t.Fatalf("login: %d to %q, want 302", w.Code, w.Header().Get("Location"))
	}
	if q := to.Query(); q.Get("state") != "s t&a+t=e" || len(q.Get("code")) != 32 || !strings.HasPrefix(to.String(), redirect+"?") {
		d.t.Fatalf("login: redirects to %s, want %s with the state and a code", to, redirect)
	}
	return to.Query().Get("code")
}

func codeForm(code string) url.Values {
	return tokenForm("authorization_code", "code", code, "redirect_uri", redirect)
}

func refreshForm(token any) url.Values {
	text, _ := token.(string)
	return tokenForm("refresh_token", "refresh_token", text)
}

func TestConsentToData(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	body := d.want("redeem", codeForm(d.consent()), 200, "")
	want := map[string]any{"token_type": "Bearer", "expires_in": 7200.0, "refresh_expires_in": 0.0, "not-before-policy": "1726871301,"}
	for field, value := range want {
		if body[field] != value {
			t.Errorf("token answer: %s is %v, want %v", field, body[field], value)
		}
	}
	if state, _ := body["session_state"].(string); len(state) != 36 {
		t.Errorf("token answer: session_state is %q, want a UUID", state)
	}
	access, _ := body["access_token"].(string)
	if w := d.get("/v3/users/self/dataRange", access); w.Code != 200 {
		t.Errorf("dataRange: %d %s, want 200", w.Code, w.Body)
	}
	d.now = d.now.Add(2 * time.Hour)
	if w := d.get("/v3/users/self/dataRange", access); w.Code != 401 || w.Body.String() != `{"error":"invalid_token"}` {
		t.Errorf("dataRange after two hours: %d %s, want 401 invalid_token", w.Code, w.Body)
	}
	if w := d.get("/v3/users/self/dataRange", ""); w.Code != 401 {
		t.Errorf("dataRange without token: %d, want 401", w.Code)
	}
}

func TestCodeRules(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	code := d.consent()
	other := codeForm(code)
	other.Set("redirect_uri", "http://localhost:9999/callback")
	d.want("other redirect_uri", other, 400, "invalid_grant")
	d.want("first use", codeForm(code), 200, "")
	d.want("second use", codeForm(code), 400, "invalid_grant")
	late := d.consent()
	d.now = d.now.Add(time.Minute)
	d.want("after its 60 s", codeForm(late), 400, "invalid_grant")
	d.want("unknown code", codeForm("nonsense"), 400, "invalid_grant")
}

func TestTokenRequestRules(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	good := refreshForm(d.RefreshToken("P001"))
	with := func(field, value string) url.Values {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(field, value)
		return form
	}
	d.want("wrong secret", with("client_secret", "x"), 401, "invalid_client")
	d.want("wrong client", with("client_id", "x"), 401, "invalid_client")
	d.want("other grant", with("grant_type", "password"), 400, "unsupported_grant_type")
	d.want("no grant", with("grant_type", ""), 400, "invalid_request")
	d.want("no token", with("refresh_token", ""), 400, "invalid_request")
	d.want("no code", tokenForm("authorization_code"), 400, "invalid_request")

	basic := httptest.NewRequest(http.MethodPost, "/v2/oauth2/token", strings.NewReader(good.Encode()))
	basic.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	basic.SetBasicAuth(DefaultClientID, DefaultClientSecret)
	if status, body := d.sendToken(basic); status != 401 || body["error"] != "invalid_client" {
		t.Errorf("credentials in a header: %d %v, want 401 invalid_client", status, body)
	}
	inQuery := httptest.NewRequest(http.MethodPost, "/v2/oauth2/token?"+good.Encode(), nil)
	inQuery.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := d.sendToken(inQuery); status != 401 {
		t.Errorf("credentials in the query: %d %v, want 401", status, body)
	}
	asJSON := httptest.NewRequest(http.MethodPost, "/v2/oauth2/token", strings.NewReader(`{}`))
	asJSON.Header.Set("Content-Type", "application/json")
	if status, body := d.sendToken(asJSON); status != 400 || body["error"] != "invalid_request" {
		t.Errorf("JSON: %d %v, want 400 invalid_request", status, body)
	}
	d.want("and still good", good, 200, "")
}

func TestRefreshRules(t *testing.T) {
	second := map[string]struct {
		change func(*Config)
		wait   time.Duration
		again  int // status of the same token a second time
		newer  int // status of the token that came of it afterwards
	}{
		"default":       {func(*Config) {}, 0, 400, 200},
		"strict":        {func(c *Config) { c.Strict = true }, 0, 400, 400},
		"never wearing": {func(c *Config) { c.Reusable = true }, 24 * time.Hour, 200, 200},
	}
	for name, test := range second {
		t.Run(name, func(t *testing.T) {
			cfg := fixed(1, 2)
			test.change(&cfg)
			d := newDesk(t, cfg)
			old := refreshForm(d.RefreshToken("P001"))
			first := d.want("first use", old, 200, "")
			d.now = d.now.Add(test.wait)
			d.want("second use", old, test.again, "invalid_grant")
			access, _ := first["access_token"].(string)
			if test.wait == 0 {
				if w := d.get("/v3/users/self/dataRange", access); (w.Code == 200) != (test.newer == 200) {
					t.Errorf("dataRange after the second use: %d", w.Code)
				}
			}
			d.want("its successor", refreshForm(first["refresh_token"]), test.newer, "invalid_grant")
			if got := d.Stats().Reused; got != 1 {
				t.Errorf("Stats().Reused = %d, want 1", got)
			}
		})
	}
}

func TestRefreshTokenEnds(t *testing.T) {
	d := newDesk(t, fixed(1, 2))
	token, other := d.RefreshToken("P001"), d.RefreshToken("P001")
	d.now = d.now.Add(365*24*time.Hour - time.Second)
	d.want("in its last second", refreshForm(token), 200, "")
	d.now = d.now.Add(time.Second)
	d.want("after a year", refreshForm(other), 400, "invalid_grant")
	fresh := d.RefreshToken("P001")
	d.Revoke("P001")
	d.want("after the user removed the app", refreshForm(fresh), 400, "invalid_grant")
}

func TestLoginRules(t *testing.T) {
	set := func(key, value string) func(url.Values) { return func(q url.Values) { q.Set(key, value) } }
	tests := map[string]struct {
		change func(url.Values)
		status int
		want   string // in the Location of a redirect, else in the page
	}{
		"page":           {func(q url.Values) { q.Del("user") }, 200, "<option>P002</option>"},
		"unknown user":   {set("user", "<b>"), 400, "There is no user &lt;b&gt;."},
		"unknown client": {set("client_id", "x"), 400, "client_id is unknown"},
		"other host":     {set("redirect_uri", "https://example.com/"), 400, "not on this machine"},
		"no redirect":    {set("redirect_uri", ""), 400, "missing"},
		"script":         {set("redirect_uri", "javascript:alert(1)"), 400, "not on this machine"},
		"response type":  {set("response_type", "token"), 302, "error=unsupported_response_type"},
		"scope":          {set("scope", "egv"), 302, "error=invalid_scope"},
		"denied":         {set("deny", "1"), 302, "error=access_denied"},
		"state returned": {set("deny", "1"), 302, "state=s+t%26a%2Bt%3De"},
		"IPv6 loopback":  {set("redirect_uri", "http://[::1]:80/x?a=1"), 302, "http://[::1]:80/x?a=1&code="},
	}
	d := newDesk(t, fixed(2, 2))
	for name, test := range tests {
		w := d.get(loginPath(test.change), "")
		got := w.Body.String()
		if w.Code == 302 {
			got = w.Header().Get("Location")
		}
		if w.Code != test.status || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %d %s, want %d with %s", name, w.Code, got, test.status, test.want)
		}
	}
	cfg := fixed(1, 2)
	cfg.RedirectURIs = []string{"https://example.com/cb"}
	strict := newDesk(t, cfg)
	if w := strict.get(loginPath(nil), ""); w.Code != 400 {
		t.Errorf("redirect_uri that is not registered: %d, want 400", w.Code)
	}
	if w := strict.get(loginPath(set("redirect_uri", "https://example.com/cb")), ""); w.Code != 302 {
		t.Errorf("registered redirect_uri: %d, want 302", w.Code)
	}
}

// The page's own form must be what the back door takes.
func TestLoginFormCarriesOn(t *testing.T) {
	d := newDesk(t, fixed(2, 2))
	page := d.get(loginPath(func(q url.Values) { q.Del("user") }), "").Body.String()
	for _, want := range []string{
		`<form method="get">`, `name="client_id" value="` + DefaultClientID + `"`, `name="state" value="s t&amp;a`,
		`<label for="user">`, `name="deny" value="1"`, `name="redirect_uri" value="` + redirect + `"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("login page lacks %s:\n%s", want, page)
		}
	}
}
