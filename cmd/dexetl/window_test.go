package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// An eavesdropper stands before the simulated API and notes who is asked for
// which window, by the access tokens that the refresh tokens it knows turn into.
type eavesdropper struct {
	api http.Handler
	now func() time.Time // nil: when it was asked does not matter

	mu    sync.Mutex
	owner map[string]string // token → participant
	asked []overheard
}

type overheard struct {
	participant, resource string
	start, end            time.Time
	at                    time.Time
}

// knows tells whose a refresh token is.
func (e *eavesdropper) knows(token, participant string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.owner[token] = participant
}

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		e.exchange(w, r)
		return
	}
	query := r.URL.Query()
	if query.Has("startDate") {
		start, err := time.Parse("2006-01-02T15:04:05", query.Get("startDate"))
		end, err2 := time.Parse("2006-01-02T15:04:05", query.Get("endDate"))
		if err == nil && err2 == nil {
			e.mu.Lock()
			who := e.owner[r.Header.Get("Authorization")]
			heard := overheard{participant: who, resource: path.Base(r.URL.Path), start: start, end: end}
			if e.now != nil {
				heard.at = e.now()
			}
			e.asked = append(e.asked, heard)
			e.mu.Unlock()
		}
	}
	e.api.ServeHTTP(w, r)
}

// exchange passes a refresh on and learns whose the new tokens are.
func (e *eavesdropper) exchange(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	answer := httptest.NewRecorder()
	e.api.ServeHTTP(answer, r)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	json.Unmarshal(answer.Body.Bytes(), &tokens)
	e.mu.Lock()
	who := e.owner[form.Get("refresh_token")]
	e.owner["Bearer "+tokens.Access], e.owner[tokens.Refresh] = who, who
	e.mu.Unlock()
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// Nothing outside a participant's consented interval is requested: whatever
// the beat, around changes of the clock, in zones off the hour, after the end,
// and although alerts are asked for beyond the newest reading.
func TestNothingOutsideTheConsentIsRequested(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 13, Participants: 9, Days: 40})
	ear := &eavesdropper{api: b.api, owner: make(map[string]string)}
	server := httptest.NewServer(ear)
	t.Cleanup(server.Close)
	b.env["DEXETL_API_BASE_URL"] = server.URL
	// Local dates of the study, and its first and last instant.
	consent := map[string]struct{ start, end, from, to string }{
		"P001": {"2026-03-08", "2026-03-31", "2026-03-08 05:00", "2026-04-01 04:00"}, // New York, clocks forward that day
		"P004": {"2026-03-29", "2026-04-13", "2026-03-28 23:00", "2026-04-13 22:00"}, // Berlin, likewise
		"P006": {"2026-03-20", "2026-04-15", "2026-03-19 18:30", "2026-04-15 18:30"}, // Kolkata, half an hour off
		"P008": {"2026-03-10", "2026-04-05", "2026-03-09 13:30", "2026-04-05 14:30"}, // Adelaide, clocks back on the last day
	}
	roster, tokens := "participant_id,study_start,study_end,status\n", "participant_id,refresh_token\n"
	for _, id := range b.api.Users() {
		c, in := consent[id]
		if !in {
			roster += id + ",,,screen_failed\n"
			continue
		}
		roster += fmt.Sprintf("%s,%s,%s,enrolled\n", id, c.start, c.end)
		token := b.api.RefreshToken(id)
		ear.owner[token] = id
		tokens += id + "," + token + "\n"
	}
	b.must("participants", "import", b.file("dates.csv", roster))
	b.must("connect", "--import", b.file("more.csv", tokens))
	b.must("backfill")
	for _, days := range []int{1, 30} { // news and trailing; then everything again
		b.now = b.now.AddDate(0, 0, days)
		b.must("sync", "--trailing", "20d")
	}
	seen := make(map[string]int)
	for _, a := range ear.asked {
		c := consent[a.participant]
		if a.start.Format("2006-01-02 15:04") < c.from || a.end.After(must(time.Parse("2006-01-02 15:04", c.to))) || !a.start.Before(a.end) {
			t.Errorf("%s %s was asked for %s to %s, consented is %s to %s", a.participant, a.resource,
				a.start.Format(time.DateTime), a.end.Format(time.DateTime), c.from, c.to)
		}
		seen[a.participant+" "+a.resource]++
		if a.start.Format("2006-01-02 15:04") == c.from {
			seen[a.participant+" "+a.resource+" from the start"]++
		}
	}
	for id := range consent {
		if seen[id+" egvs from the start"] < 2 || seen[id+" alerts"] < 2 {
			t.Errorf("%s: the beats were not all there: %v", id, seen)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
