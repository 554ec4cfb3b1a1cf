package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/study"
)

// Limits of a request, where its route does not say otherwise.
const (
	MaxBody       = 64 << 10         // bytes
	bodyWithin    = 10 * time.Second // to arrive
	usualRate     = 600              // requests of a key a minute
	usualInFlight = 64               // requests at a time, of everybody
)

// A Service is what the routes work with. Its fields are set before use.
type Service struct {
	Study      *study.Study
	Keys       access.Keys
	Identities access.Identities
	Version    string // of the program
	Now        func() time.Time
	Log        *slog.Logger

	PerMinute int // requests of a key; 0: 600
	InFlight  int // requests at a time; 0: 64

	// Observe is told of each request when it was answered; nil: nobody is. A route is a
	// pattern such as /v2/user/{user_id}, "" for what is no route.
	Observe func(method, route string, status int, took time.Duration)
}

// An API is the routes of a Service. Routes are registered before the first request.
type API struct {
	huma.API
	Service
	mux         *http.ServeMux
	routes      []Route
	shares      shares
	inFlight    chan struct{}
	description func() ([]byte, error)
}

// setHuma sets what is one setting of the library for the whole process: a list is a list,
// never null.
var setHuma = sync.OnceFunc(func() { huma.DefaultArrayNullable = false })

// New returns an API without routes.
func New(s Service) *API {
	setHuma()
	if s.PerMinute == 0 {
		s.PerMinute = usualRate
	}
	if s.InFlight == 0 {
		s.InFlight = usualInFlight
	}
	a := &API{Service: s, mux: http.NewServeMux(), inFlight: make(chan struct{}, s.InFlight)}
	a.shares.perMinute = s.PerMinute
	a.API = huma.NewAPI(a.config(), mover{humago.NewAdapter(a.mux, "")})
	a.description = sync.OnceValues(a.describe)
	a.mux.HandleFunc("GET "+descriptionPath, a.serveDescription)
	return a
}

// Register adds a route. Operation.Errors are the refusals that other routes do not have.
// Its handler's error is a *Problem, or something that went wrong
// here: that is logged, and the caller is told no more than that.
func Register[I, O any](a *API, op huma.Operation, needs Needs, handler func(context.Context, *I) (*O, error)) {
	_, sendsBody := reflect.TypeFor[I]().FieldByName("Body")
	a.prepare(&op, needs, sendsBody)
	huma.Register(a.API, op, func(ctx context.Context, in *I) (*O, error) {
		visitOf(ctx).bodyRead()
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// prepare adds to a route what all routes have.
func (a *API) prepare(op *huma.Operation, needs Needs, sendsBody bool) {
	op.MaxBodyBytes, op.BodyReadTimeout = cmp.Or(op.MaxBodyBytes, MaxBody), cmp.Or(op.BodyReadTimeout, bodyWithin)
	op.RejectUnknownQueryParameters = !isVital(op.Path) // Vital's clients may know more than we do
	op.Middlewares = append(huma.Middlewares{a.guard(needs), a.refuseEmpty}, op.Middlewares...)
	a.document(op, needs, sendsBody)
	a.routes = append(a.routes, Route{Method: op.Method, Path: op.Path, Needs: needs})
}

// Routes are all that were registered.
func (a *API) Routes() []Route { return a.routes }
