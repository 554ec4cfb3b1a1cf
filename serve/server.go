package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of a connection. Whoever finishes a consent waits while Dexcom is asked two or
// three things, each of which may take a minute or two.
const (
	headerWithin   = 5 * time.Second
	requestWithin  = 15 * time.Second
	answerWithin   = 5*time.Minute + 15*time.Second // of handlers without limits of their own
	idleFor        = time.Minute
	maxHeader      = 16 << 10
	maxConnections = 512
)

// A Server is one listener for everything that is served.
type Server struct {
	Handler http.Handler
	Cert    *Certificate // nil: plain http
	Log     *slog.Logger

	listener net.Listener
	server   *http.Server
}

// Listen takes addr, and returns the address it got; from "none", which is none, "none".
func (s *Server) Listen(addr string) (string, error) {
	if addr == "none" {
		return addr, nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	s.listener = netutil.LimitListener(listener, maxConnections) // the schedule needs open files, too
	s.server = &http.Server{
		ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: answerWithin, IdleTimeout: idleFor,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // what strangers do to a port
	}
	if s.Cert != nil {
		s.server.TLSConfig = &tls.Config{GetCertificate: s.Cert.Get, MinVersion: tls.VersionTLS12}
	}
	return listener.Addr().String(), nil
}

// Serve answers requests until ctx ends, and then those that are in hand, for at most
// grace. That is how it is meant to end: its error is that the port was lost.
func (s *Server) Serve(ctx context.Context, grace time.Duration) error {
	if s.listener == nil {
		<-ctx.Done()
		return nil
	}
	s.server.Handler = s.Handler
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if s.server.Shutdown(last) != nil {
			s.server.Close() // whoever is left was waited for
		}
	})
	err := s.serve()
	if !errors.Is(err, http.ErrServerClosed) && stop() {
		return err
	}
	<-done
	return nil
}

func (s *Server) serve() error {
	if s.Cert != nil {
		return s.server.ServeTLS(s.listener, "", "")
	}
	return s.server.Serve(s.listener)
}
