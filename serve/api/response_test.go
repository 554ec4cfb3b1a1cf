package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dexetl/dexetl/access"
)

// A caller may take long to be answered: the time in which requests have to arrive is over
// then, and is not taken for the caller's leaving.
func TestSlowAnswers(t *testing.T) {
	b := newBench(t)
	slow := func(ctx context.Context) (*answer, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(600 * time.Millisecond):
			return &answer{}, nil
		}
	}
	Register(b.api, huma.Operation{OperationID: "slow", Method: "GET", Path: "/v1/slow"}, Needs{Scope: access.Read},
		func(ctx context.Context, _ *struct{}) (*answer, error) { return slow(ctx) })
	Register(b.api, huma.Operation{OperationID: "slow-post", Method: "POST", Path: "/v1/slow", BodyReadTimeout: 200 * time.Millisecond}, Needs{Scope: access.Read},
		func(ctx context.Context, _ *perhapsInput) (*answer, error) { return slow(ctx) })
	server := httptest.NewUnstartedServer(b.api.Handler())
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	key := b.key("k", access.Rights{Scope: access.Read})
	for _, method := range []string{"GET", "POST"} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/v1/slow", nil)
		check(t, err)
		r.Header.Set(KeyHeader, key)
		got, err := http.DefaultClient.Do(r)
		check(t, err)
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s, answered after the time for requests: %d %s", method, got.StatusCode, text(got))
		}
		got.Body.Close()
	}
}

type perhapsInput struct {
	Body *struct {
		Note string `json:"note"`
	}
}

// A long answer goes out in pieces, each of which has to be taken in time.
func TestPieces(t *testing.T) {
	to := &timed{ResponseRecorder: httptest.NewRecorder()}
	out := &response{ResponseWriter: to, conn: http.NewResponseController(to)}
	n, err := out.Write(make([]byte, 5*piece/2))
	if n != 5*piece/2 || err != nil || to.Body.Len() != n {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if _, err := out.Write(nil); err != nil {
		t.Fatal(err)
	}
	if len(to.deadlines) != 4 {
		t.Errorf("%d deadlines, want 4: three pieces, and nothing", len(to.deadlines))
	}
	for _, at := range to.deadlines {
		if left := time.Until(at); left <= 0 || left > pieceWithin {
			t.Errorf("a piece has %s", left)
		}
	}
	if out.status != http.StatusOK {
		t.Errorf("status %d", out.status)
	}
}

// A timed writer keeps the deadlines that it is given.
type timed struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (t *timed) SetWriteDeadline(at time.Time) error {
	t.deadlines = append(t.deadlines, at)
	return nil
}
