package consent

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Callback waits at the redirect URI for one participant's browser.
type Callback struct {
	URL string // what the person opens

	grants   *Grants
	begun    begun
	redirect *url.URL
	listener net.Listener
}

// Listen begins the consent of a participant and opens the port at which the
// browser will arrive: that of the redirect URI, or addr (host:port) where a
// proxy stands between. Wait must follow.
func (g *Grants) Listen(ctx context.Context, participantID, addr string) (*Callback, error) {
	address, b, err := g.begin(ctx, participantID, "")
	if err != nil {
		return nil, err
	}
	redirect, err := url.Parse(b.app.RedirectURI)
	if err != nil {
		return nil, fmt.Errorf("redirect URI: %w", err)
	}
	if addr == "" {
		if addr, err = listenAddress(redirect); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("redirect URI %s: %w", redirect.Redacted(), err)
	}
	return &Callback{URL: address, grants: g, begun: b, redirect: redirect, listener: l}, nil
}

func listenAddress(redirect *url.URL) (string, error) {
	if redirect.Scheme != "http" || redirect.Host == "" {
		return "", fmt.Errorf("redirect URI %s: only a plain http address can be listened at; name the address behind it with --listen, or use --manual", redirect.Redacted())
	}
	port := redirect.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(redirect.Hostname(), port), nil
}

// Wait serves the redirect URI until the participant's browser has arrived or
// ctx ends, and closes the port. Its errors are those of Finish. Consents of
// other participants that arrive meanwhile are completed too.
func (c *Callback) Wait(ctx context.Context) (Found, error) {
	type outcome struct {
		found Found
		err   error
	}
	arrived := make(chan outcome, 1)
	var serving sync.Mutex // one browser at a time
	closed := false
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    1 << 16,
		ErrorLog:          slog.NewLogLogger(c.grants.log().Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serving.Lock()
			defer serving.Unlock()
			if closed {
				return
			}
			mine, found, err := c.serve(ctx, w, r)
			if mine {
				select {
				case arrived <- outcome{found, err}:
				default: // the state was used up by the first
				}
			}
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c.listener) }()
	defer func() {
		// Let the page reach the browser.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
		<-served
		// An exchange in hand is finished, whatever ctx says.
		serving.Lock()
		closed = true
		serving.Unlock()
	}()
	select {
	case o := <-arrived:
		return o.found, o.err
	case err := <-served:
		served <- nil
		return Found{}, fmt.Errorf("redirect URI: %w", err)
	case <-ctx.Done():
		return Found{}, ctx.Err()
	}
}

// Close closes the port if Wait is not to follow.
func (c *Callback) Close() error { return c.listener.Close() }

// serve answers one request and says whether it ended this participant's
// consent. It is done even if the browser goes away.
func (c *Callback) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) (mine bool, found Found, err error) {
	path := c.redirect.EscapedPath()
	if path == "" {
		path = "/"
	}
	switch {
	case r.URL.EscapedPath() != path:
		page(w, http.StatusNotFound, "Nothing here", "This address only completes a consent.")
		return false, Found{}, nil
	case r.Method != http.MethodGet:
		page(w, http.StatusMethodNotAllowed, "Not understood", "Please follow the link you were sent.")
		return false, Found{}, nil
	}
	query := r.URL.Query()
	found, err = c.grants.complete(ctx, c.begun.app.RedirectURI, query)
	if stale := (*state.StateError)(nil); errors.As(err, &stale) {
		page(w, http.StatusBadRequest, "This link cannot be used", staleText(stale.Reason))
		return false, Found{}, nil
	}
	mine = c.grants.Key.hash("state", query.Get("state")) == c.begun.hash
	if !mine {
		c.grants.log().Info("consent of another participant arrived", "participant_id", found.Connection.ParticipantID, "error", err)
	}
	answer(w, err)
	return mine, found, err
}

// staleText tells the person why a link does not work. One that worked is most
// often opened again by the browser itself, so that need not mean a failure.
func staleText(reason state.StateReason) string {
	switch reason {
	case state.StateUsed:
		return "This link was used already, and a link works only once. If your account was not connected, please ask the study team for a new link."
	case state.StateExpired:
		return "This link has expired: a link works for one hour. Please ask the study team for a new one."
	}
	return "This link is incomplete or too old. Please ask the study team for a new one."
}

// answer tells the person how it went. What is between participants or inside
// the study is not for this page: errors that name participants are not shown.
func answer(w http.ResponseWriter, err error) {
	var denied *DeniedError
	var unchecked *UncheckedError
	var code *CodeError
	var inUse *state.AccountInUseError
	var other *state.OtherAccountError
	title, text := "Not connected", "Your Dexcom account could not be connected. Please tell the study team."
	switch {
	case err == nil || errors.As(err, &unchecked):
		title, text = "Thank you", "Your Dexcom account is connected to the study. You can close this window."
	case errors.As(err, &denied):
		text = "You chose not to share your data, so your Dexcom account is not connected. If you change your mind, please ask the study team for a new link. You can close this window."
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
