package api

import (
	"context"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A visit is a request as the log has it.
type visit struct {
	route string
	key   int64 // 0: without a known key
	conn  *http.ResponseController
}

type visitKey struct{}

// visitOf is that of a request; outside of one, a visit that nobody reads.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// bodyRead lifts the deadline for what the caller sends: when it passed during the
// answer, the server would take the caller for gone.
func (v *visit) bodyRead() {
	if v.conn != nil {
		_ = v.conn.SetReadDeadline(time.Time{}) // a writer without deadlines has none to lift
	}
}

// Handler answers requests, those for what is no route among them.
func (a *API) Handler() http.Handler { return http.HandlerFunc(a.serve) }

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	out := &response{ResponseWriter: w, conn: http.NewResponseController(w)}
	v := &visit{conn: out.conn}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	defer func() { a.log(r.Method, v, out.status, time.Since(began)) }()
	defer a.recovered(out, r)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	select {
	case a.inFlight <- struct{}{}:
		defer func() { <-a.inFlight }()
	default:
		(&Problem{Status: http.StatusServiceUnavailable, Detail: "too many requests at a time: try again", RetryAfter: time.Second}).write(out, r.URL.Path)
		return
	}
	a.route(out, r, v)
	if out.status == 0 {
		out.status = http.StatusOK // as the server answers for a handler that wrote nothing
	}
}

// route finds the route, or says that there is none.
func (a *API) route(w http.ResponseWriter, r *http.Request, v *visit) {
	r = moved(r)
	handler, pattern := a.mux.Handler(r)
	if _, at, found := strings.Cut(pattern, " "); found && path.Clean(r.URL.Path) == r.URL.Path {
		v.route = asDescribed(at)
		a.mux.ServeHTTP(w, r)
		return
	}
	tried := &tried{header: make(http.Header)}
	handler.ServeHTTP(tried, r)
	if tried.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", tried.header.Get("Allow"))
		Refusal(http.StatusMethodNotAllowed, "the methods of this route are "+tried.header.Get("Allow")).write(w, r.URL.Path)
		return
	}
	Refusal(http.StatusNotFound, "there is no such route: "+descriptionPath+" has them all").write(w, r.URL.Path)
}

// A tried is an answer that nobody gets, of a handler that is asked for its status.
type tried struct {
	header http.Header
	status int
}

func (t *tried) Header() http.Header         { return t.header }
func (t *tried) Write(b []byte) (int, error) { return len(b), nil }
func (t *tried) WriteHeader(status int)      { t.status = status }

// recovered makes an answer of a panic, unless the handler means to break off one that
// it began.
func (a *API) recovered(out *response, r *http.Request) {
	switch caught := recover(); {
	case caught == nil:
	case caught == http.ErrAbortHandler:
		panic(caught)
	default:
		a.Log.Error("request failed", "route", visitOf(r.Context()).route, "panic", caught, "stack", string(debug.Stack()))
		if out.status != 0 {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		broken().write(out, r.URL.Path)
	}
}

// log writes one line of the access log: which route, by which key, and how it went.
// Never who was asked about, with which secret, or what was answered.
func (a *API) log(method string, v *visit, status int, took time.Duration) {
	if !slices.Contains(methods(), method) {
		method = "other"
	}
	a.Log.Info("request", "method", method, "route", v.route, "status", status, "took", took.Round(time.Microsecond), "key", v.key)
	if a.Observe != nil {
		a.Observe(method, v.route, status, took)
	}
}

func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}
