package consent

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
)

// maxAnswer bounds the form of a question.
const maxAnswer = 4 << 10

// serve answers one request and says whether it ended this participant's
// consent. It is done even if the browser goes away. Without a query the redirect
// URI is the place of the question, so that the code does not stay in the
// address bar.
func (c *Callback) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	path := c.redirect.EscapedPath()
	if path == "" {
		path = "/"
	}
	switch {
	case r.URL.EscapedPath() != path:
		page(w, http.StatusNotFound, "Nothing here", "This address only completes a consent.")
	case r.Method == http.MethodGet && r.URL.RawQuery == "" && c.Ask != nil:
		c.question(ctx, w, r)
	case r.Method == http.MethodGet:
		return c.arrive(ctx, w, r)
	case r.Method == http.MethodPost && c.Ask != nil:
		return c.answered(ctx, w, r)
	default:
		page(w, http.StatusMethodNotAllowed, "Not understood", "Please follow the link you were sent.")
	}
	return false, Found{}, nil
}

func (c *Callback) secure() bool { return c.redirect.Scheme == "https" }

func (c *Callback) arrive(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	query, browser := r.URL.Query(), BrowserOf(r, c.secure())
	found, err = c.grants.Arrive(ctx, Arrival{Address: c.begun.app.RedirectURI, Query: query, Browser: browser, Local: LocalPeer(r), Ask: c.Ask != nil})
	mine = c.grants.Key.hash("state", query.Get("state")) == c.begun.hash
	if ask, ok := errors.AsType[*AskError](err); ok {
		if mine {
			c.asked = ask
		}
		Remember(w, c.secure(), browser)
		w.Header().Set("Location", r.URL.EscapedPath())
		w.WriteHeader(http.StatusSeeOther)
		return false, Found{}, nil
	}
	return c.end(w, mine, found, err)
}

// question shows what this browser is asked.
func (c *Callback) question(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	q, err := c.grants.Question(ctx, BrowserOf(r, c.secure()))
	if err != nil {
		c.end(w, false, Found{}, err)
		return
	}
	c.Ask(w, q)
}

func (c *Callback) answered(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	browser, token := BrowserOf(r, c.secure()), r.PostFormValue("token")
	found, err = c.grants.Answer(ctx, browser, token, r.PostFormValue("answer") == "yes")
	mine = c.asked != nil && token == c.grants.questionToken(c.asked.answerID, browser)
	return c.end(w, mine, found, err)
}

// end shows how a consent ended, and whether it was the one that is waited for.
func (c *Callback) end(w http.ResponseWriter, mine bool, found Found, err error) (bool, Found, error) {
	if stale := (*StateError)(nil); errors.As(err, &stale) {
		page(w, http.StatusBadRequest, "This link cannot be used", staleText(stale.Reason))
		return false, Found{}, nil
	}
	if !mine {
		c.grants.log().Info("consent of another participant arrived", "participant_id", found.Connection.ParticipantID, "error", err)
	}
	answer(w, err)
	return mine, found, err
}

// staleText tells the person why a link does not work. One that worked is most
// often opened again by the browser itself, so that need not mean a failure.
func staleText(reason StateReason) string {
	switch reason {
	case StateUsed:
		return "This link was used already, and a link works only once. If your account was not connected, please ask the study team for a new link."
	case StateExpired:
		return "This link has expired: a link works for one hour. Please ask the study team for a new one."
	case StateElsewhere:
		return "Please open this page with the browser in which you began, or ask the study team for a new link. Nothing was kept."
	}
	return "This link is incomplete or too old. Please ask the study team for a new one."
}

// answer tells the person how it went. What is between participants or inside
// the study is not for this page: errors that name participants are not shown.
func answer(w http.ResponseWriter, err error) {
	var denied *DeniedError
	var unchecked *UncheckedError
	var code *CodeError
	var inUse *AccountInUseError
	var other *OtherAccountError
	var unconfirmed *NotConfirmedError
	var busy *NoCallError
	title, text := "Not connected", "Your Dexcom account could not be connected. Please tell the study team."
	switch {
	case err == nil || errors.As(err, &unchecked):
		title, text = "Thank you", "Your Dexcom account is connected to the study. You can close this window."
	case errors.As(err, &denied):
		text = "You chose not to share your data, so your Dexcom account is not connected. If you change your mind, please ask the study team for a new link. You can close this window."
	case errors.As(err, &unconfirmed):
		title, text = "Nothing is kept", "What Dexcom sent is deleted, and no readings were taken. Please tell the study team that you were sent an address that was not meant for you. You can close this window."
	case errors.As(err, &busy):
		text = "Too much was asked of Dexcom just now. Please load this page again in a minute, or ask the study team for a new link."
	case errors.As(err, &code):
		text = "Dexcom did not complete the connection. Please ask the study team for a new link."
	case errors.As(err, &inUse):
		text = "This Dexcom account is already connected to the study for somebody else. Did you sign in with your own account? Please tell the study team."
	case errors.As(err, &other):
		text = "You signed in with another Dexcom account than before. Please tell the study team which one is yours."
	}
	page(w, http.StatusOK, title, text)
}

func page(w http.ResponseWriter, status int, title, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address holds the code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	w.WriteHeader(status)
	title, text = html.EscapeString(title), html.EscapeString(text)
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n</html>\n", title, title, text)
}
