package serve

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// A load balancer asks /readyz: only what does not pass by itself is not ready.
func TestReadyAfterEachExitCode(t *testing.T) {
	for code, want := range map[int]int{0: 200, 3: 200, 4: 200, 5: 200, 2: 503, 7: 503, 12: 503, 13: 503} {
		status := &Status{}
		h := Handler(status, NewMetrics("test"), 2, 7, 12, 13)
		if got, _ := get(t, h, "/readyz"); got != 200 {
			t.Errorf("before the first run: /readyz %d, want 200", got)
		}
		status.begin(time.Now())
		status.end(time.Now(), Outcome{Code: code, Message: "next: dexetl doctor"})
		got, body := get(t, h, "/readyz")
		if got != want {
			t.Errorf("after exit code %d: /readyz %d %q, want %d", code, got, body, want)
		}
		if got == 503 && !strings.Contains(body, "next: dexetl doctor") {
			t.Errorf("after exit code %d: /readyz does not say what to do: %q", code, body)
		}
		if got, _ := get(t, h, "/healthz"); got != 200 {
			t.Errorf("after exit code %d: /healthz %d, want 200", code, got)
		}
		status.begin(time.Now())
		status.end(time.Now(), Outcome{})
		if got, body := get(t, h, "/readyz"); got != 200 {
			t.Errorf("after a good run: /readyz %d %q, want 200", got, body)
		}
	}
}

func TestHealthTellsTheState(t *testing.T) {
	status := &Status{}
	h := Handler(status, NewMetrics("test"))
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	status.begin(start)
	status.end(start.Add(time.Minute), Outcome{Code: 3, Message: "next: again"})
	status.wait(start.Add(time.Hour))
	_, body := get(t, h, "/healthz")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("/healthz %q: %v", body, err)
	}
	for key, want := range map[string]any{
		"running": false, "runs": 1.0, "last_exit_code": 3.0, "last_message": "next: again",
		"last_start": "2026-03-01T12:00:00Z", "last_end": "2026-03-01T12:01:00Z", "next": "2026-03-01T13:00:00Z",
	} {
		if got[key] != want {
			t.Errorf("/healthz %s = %v, want %v", key, got[key], want)
		}
	}
	if _, told := got["last_success"]; told {
		t.Errorf("/healthz tells a success that was none: %s", body)
	}
}

// Counters grow by what each run did, once.
func TestMetricsCountRuns(t *testing.T) {
	metrics := NewMetrics("1.2.3")
	status := &Status{Changed: metrics.Observe}
	start := time.Unix(1_800_000_000, 0)
	for i, o := range []Outcome{{Calls: 10, Records: 100}, {Code: 3, Calls: 5, Records: 7}, {Calls: 1}} {
		at := start.Add(time.Duration(i) * time.Hour)
		status.begin(at)
		status.end(at.Add(2*time.Second), o)
		status.wait(at.Add(time.Hour))
	}
	metrics.Count(Study{
		Participants: map[string]int{"connected": 4, "none": 1}, Silent: map[string]int{"24h": 2}, NewestReading: start,
	})
	metrics.Request("GET", "/v2/user/{user_id}", 404, 20*time.Millisecond)
	metrics.Request("GET", "/v2/user/{user_id}", 404, 20*time.Millisecond)
	metrics.Part("pages", true)
	metrics.Part("api", true)
	metrics.Part("api", false)
	metrics.Count(Study{Participants: map[string]int{"connected": 5}, Silent: map[string]int{"24h": 1}, NewestReading: start})
	_, body := get(t, Handler(status, metrics), "/metrics")
	for _, line := range []string{
		`dexetl_runs_total{exit_code="0"} 2`, `dexetl_runs_total{exit_code="3"} 1`,
		"dexetl_api_calls_total 16", "dexetl_records_total 107", "dexetl_run_duration_seconds_sum 6",
		"dexetl_run_running 0", "dexetl_run_last_start_timestamp_seconds 1.8000072e+09",
		"dexetl_run_last_success_timestamp_seconds 1.800007202e+09", "dexetl_run_next_timestamp_seconds 1.8000108e+09",
		`dexetl_participants{consent="connected"} 5`, `dexetl_participants_silent{over="24h"} 1`,
		"dexetl_newest_reading_timestamp_seconds 1.8e+09", `dexetl_build_info{version="1.2.3"} 1`,
		`dexetl_http_requests_total{method="GET",route="/v2/user/{user_id}",status="404"} 2`, `dexetl_part_up{part="api"} 0`, `dexetl_part_up{part="pages"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("/metrics lacks %q", line)
		}
	}
	if strings.Contains(body, `consent="none"`) {
		t.Error("/metrics still counts a state that nobody is in")
	}
}

// What is not served, though the runs go well, is a reason not to be ready.
func TestReadyzTellsWhatIsNotServed(t *testing.T) {
	reason := "P001 has withdrawn"
	status := &Status{Unready: func(context.Context) string { return reason }}
	h := Handler(status, NewMetrics("test"))
	if code, body := get(t, h, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, reason) {
		t.Errorf("readyz: %d %q", code, body)
	}
	reason = ""
	if code, body := get(t, h, "/readyz"); code != http.StatusOK {
		t.Errorf("readyz with no reason: %d %q", code, body)
	}
}
