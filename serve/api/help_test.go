package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
)

// A bench is an API of a study of two cohorts, with a few routes.
type bench struct {
	t   *testing.T
	api *API
	log *sharedText
	now time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := state.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { store.Close() })
	store.By = state.Author{Who: "tester", Command: "test"}
	b := &bench{t: t, log: &sharedText{}, now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	s := &study.Study{Dir: t.TempDir(), Store: store, Cohort: &cohort.Cohort{Store: store}}
	s.Consents = &consent.Register{Store: store, Cohort: s.Cohort}
	for id, group := range map[string]string{"P001": "A", "P002": "B"} {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id, Cohort: group, Status: "enrolled"}))
	}
	b.api = New(Service{
		Study: s, Keys: access.Keys{Store: store}, Identities: access.Identities{Store: store}, Version: "test",
		Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(b.log, nil)), PerMinute: 60,
	})
	b.api.Observe = func(method, route string, status int, _ time.Duration) {
		if !b.api.Describes(method, route, status) {
			t.Errorf("the description of %s %s has no answer %d", method, route, status)
		}
	}
	b.addRoutes()
	return b
}

type userInput struct {
	UserID uuid.UUID `path:"user_id" format:"uuid"`
	Days   int       `query:"days" minimum:"1" maximum:"90" default:"1"`
}

type createInput struct {
	Body struct {
		ClientUserID string  `json:"client_user_id" maxLength:"64"`
		Zone         *string `json:"fallback_time_zone,omitempty"`
	}
}

type answer struct {
	Body struct {
		Who  string   `json:"who"`
		Tags []string `json:"tags"`
	}
}

func (b *bench) addRoutes() {
	person := func(ctx context.Context, in *userInput) (*answer, error) {
		who, err := b.api.Person(ctx, in.UserID)
		out := &answer{}
		out.Body.Who = who.ID
		return out, err
	}
	read := Needs{Scope: access.Read}
	Register(b.api, huma.Operation{OperationID: "user", Method: "GET", Path: "/v2/user/{user_id}"}, read, person)
	Register(b.api, huma.Operation{OperationID: "glucose", Method: "GET", Path: "/v2/timeseries/{user_id}/glucose"}, Needs{Scope: access.Read, Glucose: true}, person)
	Register(b.api, huma.Operation{OperationID: "note", Method: "GET", Path: "/v2/timeseries/{user_id}/note"}, Needs{Scope: access.Read, Notes: true}, person)
	Register(b.api, huma.Operation{OperationID: "people", Method: "GET", Path: "/v1/people/{user_id}"}, read, person)
	Register(b.api, huma.Operation{OperationID: "link", Method: "GET", Path: "/v2/link/providers"}, Needs{LinkToken: true}, func(context.Context, *struct{}) (*answer, error) { return &answer{}, nil })
	Register(b.api, huma.Operation{OperationID: "create", Method: "POST", Path: "/v2/user"}, Needs{Scope: access.Manage}, func(_ context.Context, in *createInput) (*answer, error) {
		out := &answer{}
		out.Body.Who = in.Body.ClientUserID
		return out, nil
	})
	Register(b.api, huma.Operation{OperationID: "panic", Method: "GET", Path: "/v1/panic"}, read, func(context.Context, *struct{}) (*answer, error) { panic("P001 is in this text") })
	Register(b.api, huma.Operation{OperationID: "fail", Method: "GET", Path: "/v2/fail"}, read, func(context.Context, *struct{}) (*answer, error) {
		return nil, io.ErrUnexpectedEOF
	})
}

// key makes a key of these rights.
func (b *bench) key(name string, r access.Rights) string {
	b.t.Helper()
	secret, _, err := b.api.Keys.Add(b.t.Context(), name, r)
	check(b.t, err)
	return string(secret)
}

func (b *bench) user(id string) string {
	b.t.Helper()
	user, err := b.api.Identities.User(b.t.Context(), id)
	check(b.t, err)
	return user.String()
}

// ask sends a request with headers, such as "x-vital-api-key: …".
func (b *bench) ask(method, target, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	b.api.Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(r *http.Response) string {
	body, _ := io.ReadAll(r.Body)
	return strings.TrimSpace(string(body))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A sharedText is written to while it is read.
type sharedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sharedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sharedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
