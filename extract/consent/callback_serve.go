package consent

import (
	"context"
	"errors"
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
		c.pages.Nothing(w)
	case r.Method == http.MethodGet && r.URL.RawQuery == "" && !c.local():
		c.question(ctx, w, r)
	case r.Method == http.MethodGet:
		return c.arrive(ctx, w, r)
	case r.Method == http.MethodPost && !c.local():
		return c.answered(ctx, w, r)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	return false, Found{}, nil
}

func (c *Callback) secure() bool { return c.redirect.Scheme == "https" }

func (c *Callback) arrive(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	query, browser := r.URL.Query(), BrowserOf(r, c.secure())
	found, err = c.connecting.Arrive(ctx, Arrival{Address: c.begun.app.RedirectURI, Query: query, Browser: browser, Local: LocalPeer(r), Ask: !c.local()})
	mine = c.connecting.key.hash("state", query.Get("state")) == c.begun.hash
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
	q, err := c.connecting.questions.Question(ctx, BrowserOf(r, c.secure()))
	if err != nil {
		c.end(w, false, Found{}, err)
		return
	}
	c.pages.Ask(w, q)
}

func (c *Callback) answered(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	browser, token := BrowserOf(r, c.secure()), r.PostFormValue("token")
	found, err = c.connecting.questions.Answer(ctx, browser, token, r.PostFormValue("answer") == "yes")
	mine = c.asked != nil && token == c.connecting.questions.questionToken(c.asked.answerID, browser)
	return c.end(w, mine, found, err)
}

// end shows how a consent ended, and says whether it was the one that is waited for.
// A link that does not count ends nothing.
func (c *Callback) end(w http.ResponseWriter, mine bool, found Found, err error) (bool, Found, error) {
	c.pages.End(w, EndingOf(found, err))
	if as[*StateError](err) {
		return false, Found{}, nil
	}
	if !mine {
		c.connecting.client.log().Info("consent of another participant arrived", "participant_id", found.Connection.ParticipantID, "error", err)
	}
	return mine, found, err
}
