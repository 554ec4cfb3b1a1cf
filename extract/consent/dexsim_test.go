package consent

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// Against the simulator, whose OAuth was written by somebody else and which
// revokes a grant whose token is presented twice: connect, then live on
// refreshes for ten hours among several processes, in both OAuth versions.
func TestAgainstSimulator(t *testing.T) {
	for _, prefix := range []string{"v2", "v3"} {
		t.Run(prefix, func(t *testing.T) {
			s, g := newStudy(t, "P001", "P002")
			sim, err := dexsim.New(dexsim.Config{Participants: 2, Days: 1, Now: s.clock, Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			web := httptest.NewServer(sim)
			defer web.Close()
			app := App{BaseURL: web.URL, OAuthPrefix: prefix, ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret, RedirectURI: redirectURI}
			other := s.process()
			g.Apps["us"], other.Apps["us"] = app, app
			for _, id := range []string{"P001", "P002"} {
				address, err := g.Begin(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				found, err := g.Finish(t.Context(), location(t, address+"&user="+id))
				if err != nil || found.Connection.Status != Connected || found.Ranges.EGVs == nil || len(found.Devices) == 0 {
					t.Fatalf("Finish(%s) = %+v, %v", id, found, err)
				}
				liveTenHours(t, s, app, found.Connection.ID, g, other)
			}
			stats := sim.Stats()
			if stats.Reused != 0 || stats.Refreshes != 2*5 || stats.Codes != 2 {
				t.Errorf("%d tokens presented twice, %d refreshes, %d codes; want 0, 10, 2", stats.Reused, stats.Refreshes, stats.Codes)
			}
		})
	}
}

// liveTenHours uses the connection's tokens for ten hours, every half hour, in two
// processes.
func liveTenHours(t *testing.T, s *study, app App, id string, processes ...*process) {
	t.Helper()
	client := dexcom.Client{BaseURL: app.BaseURL}
	for i := range 20 {
		s.add(30 * time.Minute)
		g := processes[i%len(processes)]
		token, err := g.Token(t.Context(), id)
		if err != nil {
			t.Fatalf("half hour %d: Token = %v", i+1, err)
		}
		if _, err := client.Do(t.Context(), token, dexcom.Request{Resource: dexcom.DataRange}); err != nil {
			t.Fatalf("half hour %d: %v", i+1, err)
		}
	}
}

// location is where a page redirects to.
func location(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 3 {
		t.Fatalf("GET %s: %s, want a redirect", address, response.Status)
	}
	return response.Header.Get("Location")
}
