package page

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
)

// land shows the page behind a link.
func (s *site) land(w http.ResponseWriter, r *http.Request) {
	look := s.Grants.Links.OpenLink
	if r.Method == http.MethodHead || prefetched(r) {
		look = s.Grants.Links.CheckLink
	}
	p, err := look(r.Context(), r.PathValue("token"))
	if err != nil {
		s.refuseLink(w, r, err)
		return
	}
	var page bytes.Buffer
	browser := consent.BrowserOf(r, s.secure)
	if err := s.renderLanding(&page, p, s.Grants.Links.PressToken(r.PathValue("token"), browser)); err != nil {
		s.tell(Event{Kind: Failed, ParticipantID: p.ID, Err: err})
		s.show(w, later)
		return
	}
	if r.Method == http.MethodGet && !prefetched(r) {
		s.tell(Event{Kind: Opened, ParticipantID: p.ID})
	}
	consent.Remember(w, s.secure, browser)
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

// begin is the button: it begins a consent and goes to Dexcom's login. A button
// that was not pressed on our page, in a browser that keeps cookies, begins one
// at whose end the person is asked.
func (s *site) begin(w http.ResponseWriter, r *http.Request) {
	id, address, err := s.Grants.Connecting.BeginByLink(r.Context(), r.PathValue("token"), consent.BrowserOf(r, s.secure), r.PostFormValue("press"))
	if err != nil {
		s.refuseLink(w, r, err)
		return
	}
	s.tell(Event{Kind: SentToDexcom, ParticipantID: id})
	s.redirect(w, address)
}

// finish is where the browser comes back from Dexcom, to address. It is done
// even if the browser goes away or the server is to stop: the code works once.
// Without a query it shows the question of this browser, if there is one.
func (s *site) finish(w http.ResponseWriter, r *http.Request, address string) {
	if r.Method != http.MethodGet { // HEAD would use the code up
		s.show(w, stale)
		return
	}
	browser := consent.BrowserOf(r, s.secure)
	if r.URL.RawQuery == "" {
		s.question(w, r, browser)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishWithin)
	defer cancel()
	found, err := s.Grants.Connecting.Arrive(ctx, consent.Arrival{Address: address, Query: r.URL.Query(), Browser: browser, Local: consent.LocalPeer(r), Ask: true})
	if consent.EndingOf(found, err) == consent.EndedAsked {
		consent.Remember(w, s.secure, browser)
	}
	s.end(w, r, found, err)
}

// question shows what whoever sits at a browser is asked.
func (s *site) question(w http.ResponseWriter, r *http.Request, browser consent.Secret) {
	q, err := s.Grants.Questions.Question(r.Context(), browser)
	if err != nil {
		s.end(w, r, consent.Found{}, err)
		return
	}
	s.ask(w, q)
}

func (s *site) ask(w http.ResponseWriter, q consent.Question) {
	var page bytes.Buffer
	if err := s.renderQuestion(&page, q); err != nil {
		s.tell(Event{Kind: Failed, ParticipantID: q.Participant.ID, Err: err})
		s.show(w, later)
		return
	}
	s.send(w, http.StatusOK, page.Bytes())
}

// answer takes the answer to a question, which without its token is none.
func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishWithin)
	defer cancel()
	yes := r.PostFormValue("answer") == "yes"
	found, err := s.Grants.Questions.Answer(ctx, consent.BrowserOf(r, s.secure), r.PostFormValue("token"), yes)
	s.end(w, r, found, err)
}

// end tells how a consent went, to the operator and to the browser. What is to
// be asked is shown at the address without the code.
func (s *site) end(w http.ResponseWriter, r *http.Request, found consent.Found, err error) {
	ended := consent.EndingOf(found, err)
	e := Event{Kind: Kind(ended), ParticipantID: found.Connection.ParticipantID, Found: found, Err: err}
	switch ended {
	case consent.EndedUnchecked:
		e.Kind = Connected
	case consent.EndedAsked, consent.EndedNotConfirmed, consent.EndedDenied:
		e.Err = nil // the kind says it all
	case consent.EndedRefused:
		e.ParticipantID = "" // nobody knows who came
	}
	s.tell(e)
	back, returns := s.back(found.ReturnTo, outcomeOf(ended, err))
	switch how := pageOf(ended); {
	case ended == consent.EndedAsked:
		s.redirect(w, r.URL.EscapedPath())
	case returns:
		s.redirect(w, back)
	case how == stale:
		s.show(w, how)
	default:
		s.redirect(w, s.prefix+"/done/"+string(how))
	}
}

// pageOf is what the person is shown at the end.
func pageOf(ended consent.Ending) notice {
	switch ended {
	case consent.EndedConnected, consent.EndedUnchecked:
		return connected
	case consent.EndedDenied:
		return denied
	case consent.EndedNotConfirmed:
		return refused
	case consent.EndedWrongAccount:
		return call
	case consent.EndedRefused:
		return stale
	}
	return later
}

// refuseLink is refuse, but for a program's link that has ended: the browser goes back to
// the program, which can make another.
func (s *site) refuseLink(w http.ResponseWriter, r *http.Request, err error) {
	link, ok := errors.AsType[*consent.LinkError](err)
	if ok && link.Reason != consent.LinkUnknown {
		if back, returns := s.back(s.Grants.Links.ReturnTo(r.Context(), r.PathValue("token")), outcomeOfLink(link)); returns {
			s.tell(Event{Kind: Refused, ParticipantID: link.ParticipantID, Err: err})
			s.redirect(w, back)
			return
		}
	}
	s.refuse(w, err)
}

// refuse shows why a link does not work, the same for everybody who has one.
func (s *site) refuse(w http.ResponseWriter, err error) {
	if often, ok := errors.AsType[*consent.TooOftenError](err); ok {
		s.tell(Event{Kind: Refused, ParticipantID: often.ParticipantID, Err: err})
		w.Header().Set("Retry-After", beginnersRest)
		s.show(w, busy)
		return
	}
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
	switch how := notice(r.PathValue("how")); how {
	case connected, denied, refused, later, call:
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
func (s *site) show(w http.ResponseWriter, how notice) {
	if how == later {
		w.Header().Set("Retry-After", "600")
	}
	s.send(w, s.pages[how].status, s.pages[how].page)
}

func (s *site) send(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page) // the browser may have left
}

// secured sets the headers of every answer and bounds every body.
func (s *site) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.strict(w.Header())
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// strict forbids what pages have no need of.
func (s *site) strict(h http.Header) {
	h.Set("Content-Security-Policy", s.contentSecurityPolicy())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address holds a token or a code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
