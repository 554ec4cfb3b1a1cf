package main

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// keysEvery is how often it is looked whether there is a key, for those who watch; who
// calls with a key is asked for it each time.
const keysEvery = time.Minute

// listen takes the address, with the certificate if there is one.
func (v *service) listen(o serveOptions) (err error) {
	c, flag := v.study.Config.Serve, "serve.listen in "+config.File
	if o.listen != "" {
		c.Listen, flag = o.listen, "--listen"
	}
	if err := config.CheckListen(c.Listen); err != nil {
		return usage("%s %q: %w", flag, c.Listen, err)
	}
	if err := v.study.CheckListening(c.Listen); err != nil {
		return err
	}
	v.server.Log = v.log
	if c.TLSCert != "" {
		v.server.Cert = &serve.Certificate{CertFile: v.study.Path(c.TLSCert), KeyFile: v.study.Path(c.TLSKey), Log: v.log, Now: time.Now}
		if err := v.server.Cert.Load(); err != nil {
			return certificateError(err)
		}
	}
	if v.addr, err = v.server.Listen(c.Listen); err != nil {
		return advised(exitUsage, "give another address with --listen", "serve: %w", err)
	}
	return nil
}

// certificateError says what to do about files that are of no use.
func certificateError(err error) error {
	loose := on(err, func(e *serve.LooseKeyError) string { return "chmod 0640 " + e.Path + " or less" })
	return advised(exitUsage, cmp.Or(loose, "give a certificate with its chain, and its key, both as PEM"), "serve.tls_cert: %w", err)
}

// front is what answers requests: health, the consent pages, and the API for all else.
func (v *service) front() http.Handler {
	health := serve.Handler(v.status, v.metrics, exitUsage, exitCheck, exitDamage, exitKey, exitDisk)
	api := v.api()
	health = forWatchers(health, v.study.Config.Serve.BehindProxy, api.Knows)
	routes := api.Handler()
	if v.study.ServesPages(v.addr) {
		v.pages = &serve.Part{Name: "pages", Log: v.log, Work: v.servePages, Changed: func(up bool) { v.metrics.Part("pages", up) }}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz" || path == "/readyz" || path == "/metrics":
			health.ServeHTTP(w, r)
		case v.pages != nil && v.study.IsPage(path):
			v.pages.ServeHTTP(w, r)
		default:
			routes.ServeHTTP(w, r)
		}
	})
}

// unready says what the state has forgotten, so that people are hidden, and the command that
// mends it; "" for nothing.
func (v *service) unready(ctx context.Context) string {
	forgotten, err := v.study.Unremembered(ctx)
	if err = cmp.Or(err, forgotten.Err); err == nil {
		return ""
	}
	known := classifyByType(err)
	if next := v.p.spell(known.next); next != "" {
		return err.Error() + "; next: " + next
	}
	return err.Error() + "; " + known.advice
}

// forWatchers shows health to this machine and to whoever has a key: others learn whether
// the service lives and is ready, and no more. Behind a proxy everybody seems to be this
// machine.
func forWatchers(health http.Handler, behindProxy bool, known func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !behindProxy && fromHere(r) || known(r):
			health.ServeHTTP(w, r)
		case r.URL.Path == "/metrics":
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a key is missing, or not known", http.StatusUnauthorized)
		default:
			health.ServeHTTP(statusOnly{w}, r)
		}
	})
}

func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// statusOnly is an answer without its body.
type statusOnly struct{ http.ResponseWriter }

func (statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// servePages readies the consent pages, and tends them until ctx ends.
func (v *service) servePages(ctx context.Context, up func(http.Handler)) error {
	texts, err := v.study.Texts()
	if err != nil {
		return err
	}
	return v.study.Connecting(ctx, codeOf, func(g *consent.Grants) error {
		if err := v.study.CheckRedirects(g.Client.Apps); err != nil {
			return err
		}
		pages := v.study.Pages(g, texts)
		pages.Events, pages.Log = v.logEvent, v.log
		handler, err := pages.Handler()
		if err != nil {
			return err
		}
		up(handler)
		v.log.Info("consent pages served", "links", page.LinkURL(v.study.Config.Connect.PublicURL, ""))
		return pages.Tend(ctx)
	})
}

// logEvent tells the operator what happened at the consent pages.
func (v *service) logEvent(e page.Event) {
	attributes := []any{"event", e.Kind, "participant", e.ParticipantID}
	if e.Err != nil {
		attributes = append(attributes, "error", e.Err)
	}
	if e.Untold > 0 {
		attributes = append(attributes, "more_before", e.Untold)
	}
	v.log.Info("consent pages", attributes...)
}

// warnOfLinks says that links of the API would lead nowhere.
func (v *service) warnOfLinks(on bool) {
	err := v.study.CheckLinks(v.addr)
	if err == nil || !on || v.addr == "none" {
		return
	}
	v.log.Warn("no links for consent are made", "error", err, "advice", linksAdvice(v.study))
}

// linksAdvice says what to set so that links lead to serve.
func linksAdvice(s *study.Study) string {
	listen := ""
	if to, err := url.Parse(s.LinkURL("")); err == nil && config.IsLoopback(to.String()) {
		listen = "serve.listen to 127.0.0.1:" + portOf(to) + ", or "
	}
	return "in " + config.File + ", set " + listen + "connect.public_url, and redirect_uri below it, to the address at which participants reach serve"
}

// watchKeys says when the API goes on and off, and that dexetl.yaml has changed, where no
// request does.
func (v *service) watchKeys(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for on := false; ; {
		keyed, err := access.Keys{Store: v.study.Store}.Any(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			v.log.Warn("keys not read", "error", err)
		case err == nil && keyed != on:
			on = keyed
			v.log.Info("API", "on", on)
			v.warnOfLinks(on)
		}
		v.metrics.Part("api", on)
		v.study.Rules()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
