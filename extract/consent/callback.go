package consent

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Pages are what a browser is shown where it comes back.
type Pages interface {
	// Ask shows a question, with a form that is sent to the address of the page as
	// token and answer, which is yes or no.
	Ask(w http.ResponseWriter, q Question)
	End(w http.ResponseWriter, e Ending)
	Nothing(w http.ResponseWriter) // for every other address
}

// A Callback waits at the redirect URI for one participant's browser.
type Callback struct {
	URL string // what the person opens

	connecting *Connecting
	pages      Pages
	begun      begun
	redirect   *url.URL
	listener   net.Listener
	tick       <-chan time.Time // when to sweep; nil: every SweepEvery

	serving sync.Mutex // one browser at a time
	closed  bool
	asked   *AskError // of this participant
}

// Listen begins the consent of a participant and opens the port at which the
// browser will arrive: that of the redirect URI, or addr (host:port) where a
// proxy stands between. Where browsers of other machines can come back, they are asked whose
// account it is. Wait must follow.
func (cn *Connecting) Listen(ctx context.Context, participantID, addr string, pages Pages) (*Callback, error) {
	address, b, err := cn.begin(ctx, oauthState{ParticipantID: participantID})
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
	return &Callback{URL: address, connecting: cn, pages: pages, begun: b, redirect: redirect, listener: l}, nil
}

// A RedirectError is a redirect URI at which nobody can listen without a proxy.
type RedirectError struct{ URI string }

func (e *RedirectError) Error() string {
	return "redirect URI " + e.URI + ": only a plain http address can be listened at; name the address behind it with --listen, or use --manual"
}

func listenAddress(redirect *url.URL) (string, error) {
	if redirect.Scheme != "http" || redirect.Host == "" {
		return "", &RedirectError{redirect.Redacted()}
	}
	port := redirect.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(redirect.Hostname(), port), nil
}

// local reports whether only browsers of this machine can come back to it.
func (c *Callback) local() bool {
	at, ok := c.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback() && loopbackHost(c.redirect.Hostname())
}

// ended is how a participant's consent ended.
type ended struct {
	found Found
	err   error
}

// Wait serves the redirect URI until the participant's browser has arrived or
// ctx ends, and closes the port. Its errors are those of Finish, and
// *NotConfirmedError. Consents of other participants that arrive meanwhile are
// completed too.
func (c *Callback) Wait(ctx context.Context) (Found, error) {
	arrived, served := make(chan ended, 1), make(chan error, 1)
	server := c.server(ctx, arrived)
	go func() { served <- server.Serve(c.listener) }()
	defer func() { c.leave(ctx, server, served) }()
	tick := c.tick
	if tick == nil {
		ticker := time.NewTicker(SweepEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case o := <-arrived:
			return o.found, o.err
		case err := <-served:
			served <- nil
			return Found{}, fmt.Errorf("redirect URI: %w", err)
		case <-ctx.Done():
			return Found{}, ctx.Err()
		case <-tick:
			if err := c.unanswered(ctx); err != nil {
				return Found{}, err
			}
		}
	}
}

// server serves one browser at a time, and says when the participant's has arrived.
func (c *Callback) server(ctx context.Context, arrived chan<- ended) *http.Server {
	return &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       15 * time.Second,
		MaxHeaderBytes:    1 << 16,
		ErrorLog:          slog.NewLogLogger(c.connecting.client.log().Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.serving.Lock()
			defer c.serving.Unlock()
			if c.closed {
				return
			}
			if mine, found, err := c.serve(ctx, w, r); mine {
				select {
				case arrived <- ended{found, err}:
				default: // the state was used up by the first
				}
			}
		}),
	}
}

// leave ends serving: pages reach their browsers, an exchange in hand is finished
// whatever ctx says, and what waits for an answer is destroyed.
func (c *Callback) leave(ctx context.Context, server *http.Server, served <-chan error) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(end) != nil {
		server.Close()
	}
	<-served
	c.serving.Lock()
	defer c.serving.Unlock()
	c.closed = true
	if err := c.connecting.questions.EndQuestions(ctx); err != nil {
		c.connecting.client.log().Warn("what waits to be confirmed is not destroyed yet", "error", err)
	}
}

// unanswered sweeps, and is an error when the question of this participant has
// had its time.
func (c *Callback) unanswered(ctx context.Context) error {
	c.serving.Lock()
	defer c.serving.Unlock()
	if _, err := c.connecting.questions.Sweep(ctx); err != nil {
		return err
	}
	if c.asked == nil || c.connecting.register.now().Before(c.asked.ExpiresAt) {
		return nil
	}
	return &NotConfirmedError{ParticipantID: c.asked.ParticipantID}
}

// Close closes the port if Wait is not to follow.
func (c *Callback) Close() error { return c.listener.Close() }
