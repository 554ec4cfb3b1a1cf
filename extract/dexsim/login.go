package dexsim

import (
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
)

// login is the page at which a user signs in and approves. With &user=NAME it
// redirects at once, and with &deny=1 beside it as if refused: the page's own
// buttons do the same.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	redirect, problem := s.redirectOf(query)
	if problem != "" {
		// An address that may not be the app's must not be redirected to.
		s.render(w, http.StatusBadRequest, loginPage{Problem: problem})
		return
	}
	switch {
	case query.Get("response_type") != "code":
		send(w, r, redirect, query, "error", "unsupported_response_type")
	case query.Get("scope") != "offline_access":
		send(w, r, redirect, query, "error", "invalid_scope")
	case query.Get("deny") != "":
		send(w, r, redirect, query, "error", "access_denied")
	case query.Get("user") == "":
		s.render(w, http.StatusOK, loginPage{Users: s.Users(), Query: fields(query)})
	default:
		p := s.person(query.Get("user"))
		if p == nil {
			s.render(w, http.StatusBadRequest, loginPage{Problem: "There is no user " + query.Get("user") + ".", Users: s.Users(), Query: fields(query)})
			return
		}
		send(w, r, redirect, query, "code", s.tokens.consent(p.name, query.Get("redirect_uri"), s.now()))
	}
}

// redirectOf checks that the app and its address are registered.
func (s *Server) redirectOf(query url.Values) (*url.URL, string) {
	if query.Get("client_id") != s.cfg.ClientID {
		return nil, "The client_id is unknown."
	}
	text := query.Get("redirect_uri")
	u, err := url.Parse(text)
	switch {
	case err != nil || text == "":
		return nil, "The redirect_uri is missing or no URL."
	case len(s.cfg.RedirectURIs) > 0 && !slices.Contains(s.cfg.RedirectURIs, text):
		return nil, "The redirect_uri is not registered."
	case len(s.cfg.RedirectURIs) == 0 && !loopback(u):
		return nil, "The redirect_uri is not on this machine."
	}
	return u, ""
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return (u.Scheme == "http" || u.Scheme == "https") && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// send goes back to the app, with its state unchanged.
func send(w http.ResponseWriter, r *http.Request, to *url.URL, query url.Values, key, value string) {
	back := *to
	q := back.Query()
	q.Set(key, value)
	if query.Has("state") {
		q.Set("state", query.Get("state"))
	}
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// A field is a parameter of the request that the form carries on.
type field struct{ Name, Value string }

func fields(query url.Values) []field {
	var list []field
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "state"} {
		if query.Has(name) {
			list = append(list, field{name, query.Get(name)})
		}
	}
	return list
}

type loginPage struct {
	Problem string
	Users   []string
	Query   []field
}

var loginTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to simulated Dexcom</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fff }
select, button { font: inherit; padding: .5rem 1rem; margin: .5rem .5rem .5rem 0 }
.problem { border-left: .3rem solid #b00020; padding-left: 1rem }
</style>
</head>
<body>
<main>
<h1>Simulated Dexcom</h1>
{{with .Problem}}<p class="problem" role="alert">{{.}}</p>{{end}}
{{if .Users}}
<p>An app asks for your glucose data. Nobody here is a real person and no password is needed.</p>
<form method="get">
{{range .Query}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<p><label for="user">Sign in as</label><br>
<select id="user" name="user">
{{range .Users}}<option>{{.}}</option>
{{end}}</select></p>
<p><button type="submit">Authorize</button><button type="submit" name="deny" value="1">Deny</button></p>
</form>
{{end}}
</main>
</body>
</html>
`))

func (s *Server) render(w http.ResponseWriter, status int, page loginPage) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = loginTemplate.Execute(w, page) // the client may have left
}
