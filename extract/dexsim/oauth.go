package dexsim

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// tokenAnswer has the fields of a Keycloak server, which Dexcom's is by its
// looks, the stray comma included.
type tokenAnswer struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int64  `json:"expires_in"`
	TokenType        string `json:"token_type"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
	NotBeforePolicy  string `json:"not-before-policy"`
	SessionState     string `json:"session_state"`
}

// token is the token endpoint: POST, form-encoded, credentials in the body.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	form, status, problem := s.tokenForm(w, r)
	if problem != "" {
		refuseToken(w, status, problem)
		return
	}
	p, err := s.exchange(form)
	if err != nil {
		refuseToken(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(tokenAnswer{
		AccessToken: p.access, ExpiresIn: int64(s.cfg.AccessTTL / time.Second), TokenType: "Bearer", RefreshToken: p.refresh,
		NotBeforePolicy: "1726871301,", SessionState: uuid(4, hashText(s.cfg.Seed, p.access)),
	})
}

// tokenForm checks who asks, and how.
func (s *Server) tokenForm(w http.ResponseWriter, r *http.Request) (form url.Values, status int, problem string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if kind != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		return nil, http.StatusBadRequest, "invalid_request"
	}
	form = r.PostForm
	// A Basic header is how a client library probes; Dexcom wants the body.
	if r.Header.Get("Authorization") != "" || form.Get("client_id") != s.cfg.ClientID || form.Get("client_secret") != s.cfg.ClientSecret {
		return nil, http.StatusUnauthorized, "invalid_client"
	}
	return form, 0, ""
}

// exchange does what the form asks for. Its errors are OAuth error codes.
func (s *Server) exchange(form url.Values) (pair, error) {
	now := s.now()
	switch form.Get("grant_type") {
	case "authorization_code":
		if form.Get("code") == "" || form.Get("redirect_uri") == "" {
			return pair{}, errors.New("invalid_request")
		}
		p, err := s.tokens.redeem(form.Get("code"), form.Get("redirect_uri"), now)
		if err == nil {
			s.tally.count(func() { s.tally.stats.Codes++ })
		}
		return p, err
	case "refresh_token":
		return s.rotate(form.Get("refresh_token"), now)
	case "":
		return pair{}, errors.New("invalid_request")
	}
	return pair{}, errors.New("unsupported_grant_type")
}

func (s *Server) rotate(name string, now int64) (pair, error) {
	if name == "" {
		return pair{}, errors.New("invalid_request")
	}
	if user := s.tokens.owner(name); user != "" && s.faults.refuses(user) {
		return pair{}, errGrant
	}
	p, reused, err := s.tokens.rotate(name, now)
	s.tally.count(func() {
		if reused {
			s.tally.stats.Reused++
		}
		if err == nil {
			s.tally.stats.Refreshes++
		}
	})
	return p, err
}

func refuseToken(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Cache-Control", "no-store")
	refuseJSON(w, status, `{"error":"`+code+`"}`)
}
