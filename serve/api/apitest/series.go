// Package apitest is a study with a lake behind routes, for tests of the routes.
package apitest

import (
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/study/frozen"
)

// A Series is a study with a lake, behind routes.
type Series struct {
	T      testing.TB
	Study  *study.Study
	Reader *frozen.Reader
	API    *api.API
	URL    string // of the routes
	Key    string // may read everything

	held *lake.Lake
}

// New makes a study of P001 in cohort A and P002 in cohort B. Register adds its routes.
func New(t testing.TB, register func(*Series)) *Series {
	t.Helper()
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
	check(t, err)
	t.Cleanup(func() { store.Close() })
	store.By = state.Author{Who: "tester", Command: "test"}
	s := &Series{T: t, Study: &study.Study{Dir: dir, Config: config.Config{Lake: config.Lake{Path: "lake"}}, Store: store, Cohort: &cohort.Cohort{Store: store}}}
	s.Study.Consents = &consent.Register{Store: store, Cohort: s.Study.Cohort}
	for id, group := range map[string]string{"P001": "A", "P002": "B"} {
		check(t, s.Study.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id, Cohort: group, Status: "enrolled"}))
	}
	s.API = api.New(api.Service{Study: s.Study, Keys: access.Keys{Store: store}, Identities: access.Identities{Store: store}, Version: "test",
		Now: time.Now, Log: slog.New(slog.DiscardHandler), PerMinute: 1e6})
	s.API.Observe = Described(t, s.API)
	s.Reader = &frozen.Reader{Study: s.Study}
	t.Cleanup(func() { s.Reader.Close() })
	register(s)
	server := httptest.NewServer(s.API.Handler())
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.Key = s.AddKey("all", access.Rights{Scope: access.Read, Notes: true, Unblinded: true})
	return s
}

// AddKey makes another key.
func (s *Series) AddKey(name string, r access.Rights) string {
	s.T.Helper()
	secret, _, err := s.API.Keys.Add(s.T.Context(), name, r)
	check(s.T, err)
	return string(secret)
}

// Withdraw records a withdrawal, which is in no snapshot yet.
func (s *Series) Withdraw(id string, from time.Time) {
	s.T.Helper()
	check(s.T, s.Study.Store.Change(s.T.Context(), func(tx *sql.Tx) ([]state.Act, error) {
		w, err := s.Study.Cohort.Record(s.T.Context(), tx, cohort.Withdrawal{ParticipantID: id, EffectiveAt: from})
		return []state.Act{w.Act(0)}, err
	}))
}

// Forget makes a state that has forgotten a withdrawal of which the audit trail knows.
func (s *Series) Forget(id string, from time.Time) {
	s.T.Helper()
	s.Withdraw(id, from)
	_, err := s.Study.Store.Exec(s.T.Context(), "delete from withdrawals where participant_id = ?", id)
	check(s.T, err)
}

// Get asks for a path with a key and headers, and returns the answer with its body.
func (s *Series) Get(path, key string, headers ...string) (*http.Response, []byte) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet, s.URL+path, nil)
	check(s.T, err)
	r.Header.Set(api.KeyHeader, key)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	check(s.T, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(s.T, err)
	return answer, body
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
