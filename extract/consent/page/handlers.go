package page

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

// land shows the page behind a link.
func (s *site) land(w http.ResponseWriter, r *http.Request) {
	look := s.Grants.OpenLink
	if r.Method == http.MethodHead || prefetched(r) {
		look = s.Grants.CheckLink
	}
	p, err := look(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuse(w, err)
		return
	}
	var page bytes.Buffer
	if err := s.renderLanding(&page, p); err != nil {
		s.tell(Event{Kind: Failed, ParticipantID: p.ID, Err: err})
		s.show(w, later)
		return
	}
	if r.Method == http.MethodGet && !prefetched(r) {
		s.tell(Event{Kind: Opened, ParticipantID: p.ID})
	}
	s.send(w, http.StatusOK, page.Bytes())
}

// prefetched reports whether a program asked ahead of a person.
func prefetched(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// begin is the button: it begins a consent and goes to Dexcom's login.
func (s *site) begin(w http.ResponseWriter, r *http.Request) {
	id, address, err := s.Grants.BeginByLink(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.tell(Event{Kind: SentToDexcom, ParticipantID: id})
	s.redirect(w, address)
}

// finish is where the browser comes back from Dexcom, to address. It is done
// even if the browser goes away or the server is to stop: the code works once.
func (s *site) finish(w http.ResponseWriter, r *http.Request, address string) {
	if r.Method != http.MethodGet { // HEAD would use the code up
		s.show(w, stale)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishWithin)
	defer cancel()
	found, err := s.Grants.Finish(ctx, address+"?"+r.URL.RawQuery)
	e := Event{ParticipantID: participantOf(found, err), Found: found, Err: err}
	how := later
	switch {
	case as[*state.AccountInUseError](err), as[*state.OtherAccountError](err), as[*state.OwnerError](err):
		e.Kind, how = WrongAccount, call
	case err == nil || found.Connection.ID != "" || as[*consent.UncheckedError](err):
		e.Kind, how = Connected, connected
	case as[*state.StateError](err):
		s.tell(Event{Kind: Refused, Err: err})
		s.show(w, stale)
		return
	case as[*consent.DeniedError](err):
		e.Kind, how, e.Err = Denied, denied, nil
	default:
		e.Kind = Failed
	}
	s.tell(e)
	s.redirect(w, s.prefix+"/done/"+string(how))
}

func as[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// refuse shows why a link does not work, the same for everybody who has one.
func (s *site) refuse(w http.ResponseWriter, err error) {
	link, ok := errors.AsType[*consent.LinkError](err)
	if !ok {
		s.tell(Event{Kind: Failed, Err: err})
		s.show(w, later)
		return
	}
	s.tell(Event{Kind: Refused, ParticipantID: link.ParticipantID, Err: err})
	switch link.Reason {
	case consent.LinkUsed:
		s.show(w, used)
	case consent.LinkExpired:
		s.show(w, expired)
	case consent.LinkRevoked, consent.LinkClosed:
		s.show(w, revoked)
	default:
		s.show(w, unknown)
	}
}

func (s *site) done(w http.ResponseWriter, r *http.Request) {
	switch how := outcome(r.PathValue("how")); how {
	case connected, denied, later, call:
		s.show(w, how)
	default:
		s.show(w, nothing)
	}
}

// redirect goes on to address with a GET. http.Redirect would add a body that
// repeats the address.
func (s *site) redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

// show sends a page that is the same for everybody.
func (s *site) show(w http.ResponseWriter, how outcome) {
	if how == later {
		w.Header().Set("Retry-After", "600")
	}
	s.send(w, how.status(), s.pages[how])
}

func (s *site) send(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page) // the browser may have left
}

// secured sets the headers of every answer and bounds every body.
func (s *site) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.csp)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer") // the address holds a token or a code
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
