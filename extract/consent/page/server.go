package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
)

// A Server serves the pages of one study. Its fields are set before use.
type Server struct {
	Grants  *consent.Grants
	Study   Study
	Texts   *Texts      // nil: English
	BaseURL string      // what links begin with, for its path; "" is the root
	Events  func(Event) // what happened, for the operator; called by many goroutines; nil: nobody asks
	Log     *slog.Logger
	// ClientHeader names the header in which the proxy in front says for whom it
	// asks. "": no header is trusted, and what an address asks for is not bounded.
	ClientHeader string
	// MayReturn says whether a browser may be sent to an address where a program waits
	// for it. Nil: to none.
	MayReturn func(address string) bool
	// Programs are those addresses, as far as they are known beforehand. Nil: there are none.
	Programs func() []string
	// Tick says when questions that nobody answered are looked for; nil: every
	// consent.SweepEvery.
	Tick <-chan time.Time
}

// Study is what the pages say about the study.
type Study struct {
	Name       string
	Contact    string // whom to ask, such as a name, a number, an address; "": the pages do not say
	AllHistory bool   // data from before study_start are read too
}

// LinkURL is the address of a link's page.
func LinkURL(base, token string) string { return strings.TrimRight(base, "/") + "/i/" + token }

// site is a Server at work: the pages that are the same for everybody are
// rendered already.
type site struct {
	*Server
	texts  *Texts
	prefix string
	secure bool // browsers come by https
	pages  map[notice]look

	lines     lines
	addresses addresses
}

// site readies the pages. It fails when the texts or addresses cannot work.
func (s *Server) site() (*site, error) {
	at := &site{Server: s, texts: s.Texts}
	if at.texts == nil {
		english, err := ParseTexts([]byte(DefaultTexts))
		if err != nil {
			return nil, fmt.Errorf("texts: %w", err)
		}
		at.texts = english
	}
	base, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	at.prefix, at.secure = strings.TrimRight(base.EscapedPath(), "/"), base.Scheme == "https"
	for _, app := range s.Grants.Client.Apps {
		at.secure = at.secure || base.Scheme == "" && strings.HasPrefix(app.RedirectURI, "https:")
	}
	at.pages, err = at.renderAll()
	return at, err
}

// Pages are the pages where only the redirect URI is served: see consent.Callback.
func (s *Server) Pages() (consent.Pages, error) {
	at, err := s.site()
	return callbackPages{at}, err
}

type callbackPages struct{ site *site }

// Ask shows a question.
func (p callbackPages) Ask(w http.ResponseWriter, q consent.Question) {
	p.site.strict(w.Header())
	p.site.ask(w, q)
}

// End shows how it went.
func (p callbackPages) End(w http.ResponseWriter, e consent.Ending) { p.show(w, pageOf(e)) }

// Nothing shows that nothing is there.
func (p callbackPages) Nothing(w http.ResponseWriter) { p.show(w, nothing) }

func (p callbackPages) show(w http.ResponseWriter, how notice) {
	p.site.strict(w.Header())
	p.site.show(w, how)
}

// Handler returns the site. It fails when the texts or addresses cannot work.
func (s *Server) Handler() (http.Handler, error) {
	at, err := s.site()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+at.prefix+"/i/{token}", at.land)
	mux.HandleFunc("POST "+at.prefix+"/i/{token}", at.begin)
	mux.HandleFunc("GET "+at.prefix+"/done/{how}", at.done)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { at.show(w, nothing) })
	redirects, err := redirectURIs(s.Grants.Client.Apps)
	if err != nil {
		return nil, err
	}
	for path, address := range redirects {
		if strings.HasPrefix(path, at.prefix+"/i/") || strings.HasPrefix(path, at.prefix+"/done/") {
			return nil, fmt.Errorf("redirect URI %s: its path is one of the pages'", address)
		}
		if strings.HasSuffix(path, "/") {
			path += "{$}" // this path alone, not all below it
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { at.finish(w, r, address) })
		mux.HandleFunc("POST "+path, at.answer)
	}
	return at.secured(at.bounded(mux)), nil
}

// redirectURIs maps the paths at which browsers come back from Dexcom to the
// whole addresses: the server does not trust a Host header to tell them.
func redirectURIs(apps map[string]consent.App) (map[string]string, error) {
	out := map[string]string{}
	for region, app := range apps {
		u, err := url.Parse(app.RedirectURI)
		if err != nil {
			return nil, fmt.Errorf("region %s: redirect URI: %w", region, err)
		}
		path := u.Path
		if path == "" {
			path = "/"
		}
		if other, taken := out[path]; taken && other != app.RedirectURI {
			return nil, fmt.Errorf("region %s: redirect URI %s: differs from %s, but not in its path", region, app.RedirectURI, other)
		}
		out[path] = app.RedirectURI
	}
	return out, nil
}

// Limits of a request. Finishing a consent asks Dexcom two or three things,
// each of which may take a minute or two.
const (
	maxBody      = 4 << 10
	finishWithin = 5 * time.Minute
)

// Serve serves the site until ctx ends; that is how it stops, no error. A
// consent that is on its way through the token endpoint is finished first; what
// waits for an answer to a question is destroyed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	handler, err := s.Handler()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      finishWithin + 15*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	sweeping, done := context.WithCancel(ctx)
	defer done()
	go s.sweep(sweeping)
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return errors.Join(fmt.Errorf("consent pages: %w", err), s.Grants.Questions.EndQuestions(ctx))
	}
	return errors.Join(<-stopped, s.Grants.Questions.EndQuestions(ctx))
}

// Tend is what a server has to do beside Handler, for those who serve it themselves:
// until ctx ends, to destroy what nobody confirmed in time, and then all that waits for
// an answer. The requests in hand have ended by then.
func (s *Server) Tend(ctx context.Context) error {
	s.sweep(ctx)
	return s.Grants.Questions.EndQuestions(ctx)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// sweep destroys what nobody confirmed in time, until ctx ends.
func (s *Server) sweep(ctx context.Context) {
	tick := s.Tick
	if tick == nil {
		ticker := time.NewTicker(consent.SweepEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		gone, err := s.Grants.Questions.Sweep(ctx)
		if err != nil {
			s.log().Warn("unconfirmed sign-ins are not destroyed yet", "error", err)
		}
		for _, u := range gone {
			if s.Events != nil {
				s.Events(Event{Kind: NotConfirmed, ParticipantID: u.ParticipantID})
			}
		}
	}
}
