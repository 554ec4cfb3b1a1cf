package dexsim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The credentials of the one app that is registered, unless Config names
// others. As long as Dexcom's.
const (
	DefaultClientID     = "dexsim0client0dexsim0client0dexs"
	DefaultClientSecret = "dexsim0secret000"
)

// A Config describes a simulated Dexcom. The zero value is a cohort of 20
// people with 90 days of data that end now, in a world without faults.
type Config struct {
	Seed         uint64
	Participants int       // generated users, P001 and on; 0: 20, or none with Replay
	Days         int       // of data before End; 0: 90
	End          time.Time // data exist before it; zero: Now() at New
	Replay       []Series  // users with data from a file, after the generated ones

	Now   func() time.Time // nil: time.Now
	Chaos Chaos

	OpenAPI []byte // what /sim/openapi.json says of the API, as JSON; empty: there is no such page

	ClientID, ClientSecret string   // empty: DefaultClientID, DefaultClientSecret
	RedirectURIs           []string // registered; empty: any loopback URL

	CallsPerHour int           // of the app; 0: 60000
	AccessTTL    time.Duration // 0: 2 h
	RefreshTTL   time.Duration // 0: 365 d

	// What Dexcom does with a refresh token that is presented again is not
	// documented. Default: invalid_grant and nothing else.
	Strict   bool // it revokes the whole family of tokens
	Reusable bool // refresh tokens never wear out, as in the old sandbox

	// Lasting tokens outlast the server: the next one of the same seed, users and secret
	// takes the refresh tokens that this one gave, as if none had been spent.
	Lasting bool

	OneDevice bool // who wears phone and receiver sends by phone alone
	Held      int  // histories kept in memory; 0: about 300 MB of them
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.End.IsZero() {
		c.End = c.Now()
	}
	c.End = c.End.UTC().Truncate(time.Second)
	if c.Participants == 0 && len(c.Replay) == 0 {
		c.Participants = 20
	}
	c.Days = cmp.Or(c.Days, 90)
	c.ClientID = cmp.Or(c.ClientID, DefaultClientID)
	c.ClientSecret = cmp.Or(c.ClientSecret, DefaultClientSecret)
	c.CallsPerHour = cmp.Or(c.CallsPerHour, 60000)
	c.AccessTTL = cmp.Or(c.AccessTTL, 2*time.Hour)
	c.RefreshTTL = cmp.Or(c.RefreshTTL, 365*24*time.Hour)
	c.Held = cmp.Or(c.Held, max(16, 16000/c.Days))
	c.Chaos = c.Chaos.withDefaults()
	return c
}

// A Server is a simulated Dexcom. It is an http.Handler, safe for concurrent
// use.
type Server struct {
	cfg       Config
	people    []*person
	byName    map[string]*person
	histories *histories
	tokens    *tokens
	faults    *faults
	tally     *tally
	mux       *http.ServeMux
	gzips     sync.Pool // of *gzip.Writer
}

// New makes a server. It fails on a negative number, on two users of one name,
// and on a machine without time zones (import time/tzdata).
func New(cfg Config) (*Server, error) {
	if cfg.Participants < 0 || cfg.Days < 0 || cfg.Held < 0 {
		return nil, fmt.Errorf("participants %d, days %d and held %d must not be negative", cfg.Participants, cfg.Days, cfg.Held)
	}
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, byName: map[string]*person{}, histories: &histories{limit: cfg.Held},
		tokens: newTokens(cfg), faults: newFaults(cfg), tally: newTally(cfg.CallsPerHour),
	}
	if err := s.populate(); err != nil {
		return nil, err
	}
	s.tokens.users = s.Users()
	s.mux = s.routes()
	return s, nil
}

func (s *Server) populate() error {
	taken := map[string]bool{}
	for i := range s.cfg.Participants {
		p, err := newPerson(s.cfg, i)
		if err != nil {
			return err
		}
		taken[strings.ToLower(p.participantID)] = true
		s.admit(p)
	}
	for _, series := range s.cfg.Replay {
		if s.byName[series.ID] != nil {
			return fmt.Errorf("series %q: there is a user of that name already", series.ID)
		}
		p, err := newReplay(s.cfg, len(s.people), series, taken)
		if err != nil {
			return err
		}
		s.admit(p)
	}
	return nil
}

func (s *Server) admit(p *person) {
	s.people = append(s.people, p)
	s.byName[p.name] = p
}

// Users lists the names of the users, in order.
func (s *Server) Users() []string {
	names := make([]string, len(s.people))
	for i, p := range s.people {
		names[i] = p.name
	}
	return names
}

// person finds a user by name, else by participant id; nil: there is none.
func (s *Server) person(name string) *person {
	if p := s.byName[name]; p != nil {
		return p
	}
	i := slices.IndexFunc(s.people, func(p *person) bool { return p.participantID == name })
	if i < 0 {
		return nil
	}
	return s.people[i]
}

func (s *Server) now() int64 { return s.cfg.Now().UnixMilli() }

func (s *Server) viewOf(p *person, now int64) view {
	return view{history: s.histories.of(p, s.cfg.Chaos), person: p, cfg: &s.cfg, now: now}
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, prefix := range []string{"/v2", "/v3"} {
		mux.HandleFunc("GET "+prefix+"/oauth2/login", s.login)
		mux.HandleFunc("POST "+prefix+"/oauth2/token", s.token)
	}
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts", "devices", "dataRange"} {
		mux.HandleFunc("GET /v3/users/self/"+resource, func(w http.ResponseWriter, r *http.Request) { s.data(w, r, resource) })
	}
	mux.HandleFunc("GET /sim/{$}", s.page)
	mux.HandleFunc("GET /sim/roster.csv", s.file("text/csv; charset=utf-8", s.WriteRoster))
	mux.HandleFunc("GET /sim/tokens.csv", s.file("text/csv; charset=utf-8", s.WriteTokens))
	mux.HandleFunc("GET /sim/truth.json", s.file("application/json", s.WriteTruth))
	mux.HandleFunc("GET /sim/stats.json", s.file("application/json", s.writeStats))
	if len(s.cfg.OpenAPI) > 0 {
		mux.HandleFunc("GET /sim/openapi.json", s.file("application/json", s.writeOpenAPI))
	}
	return mux
}

// ServeHTTP answers as Dexcom would, and under /sim/ about the simulation. An
// answer that chaos breaks off panics with http.ErrAbortHandler where the
// connection cannot be had, as net/http's servers expect.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.cfg.Now().UTC().Format(http.TimeFormat))
	c := &counted{ResponseWriter: w, tally: s.tally, path: r.Method + " " + r.URL.Path}
	s.tally.opened()
	defer s.tally.closed()
	s.mux.ServeHTTP(c, r)
}
