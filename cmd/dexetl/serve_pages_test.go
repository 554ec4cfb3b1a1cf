package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/tables"
)

// page asks for a page of a report: its rows by a column, and the cursor of the next.
func (a *apiBench) page(path, key, cursor string) (rows []string, next string) {
	a.t.Helper()
	if cursor != "" {
		path += "&next_cursor=" + url.QueryEscape(cursor)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("x-vital-api-key", a.key)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	if got := w.Header().Get(api.SnapshotHeader); strings.HasPrefix(path, "/v1/metrics") == (got == "") {
		a.t.Errorf("%s: snapshot %q", path, got)
	}
	var answer struct{ Rows []map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); w.Code != http.StatusOK || err != nil {
		a.t.Fatalf("%s: %d %.300s %v", path, w.Code, w.Body, err)
	}
	for _, row := range answer.Rows {
		rows = append(rows, fmt.Sprint(row[key]))
	}
	return rows, w.Header().Get(tables.CursorHeader)
}

// Reports come in pages that together are the whole, though something is added meanwhile;
// pages of metrics show one snapshot.
func TestReportsInPages(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	for range 2 {
		a.now = a.now.Add(time.Hour)
		a.must("sync")
	}
	for _, tt := range []struct{ path, key string }{
		{"/v1/metrics?", "participant_id"}, {"/v1/status?participant=P003,P002,P001", "participant_id"},
		{"/v1/snapshots?", "snapshot"}, {"/v1/runs?", "run_id"},
	} {
		want, _ := a.page(tt.path+"&limit=0", tt.key, "")
		if !strings.Contains(tt.path, "status") || !slices.IsSorted(want) {
			slices.Sort(want)
		}
		if len(want) < 3 {
			t.Fatalf("%s: %v, want three and more", tt.path, want)
		}
		var got []string
		for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
			var rows []string
			if rows, cursor = a.page(tt.path+"&limit=1", tt.key, cursor); len(rows) != 1 || n > 20 {
				t.Fatalf("%s: page %d has %v", tt.path, n, rows)
			}
			got = append(got, rows...)
			if n == 0 && tt.key != "participant_id" {
				a.now = a.now.Add(time.Hour)
				a.must("sync")
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: pages have %v, the whole %v", tt.path, got, want)
		}
		whole, cursor := a.page(tt.path+"&limit=3", tt.key, "")
		if tt.key == "participant_id" && (len(whole) != 3 || cursor != "") {
			t.Errorf("%s: a page of all three has %v and the cursor %q", tt.path, whole, cursor)
		}
	}
}

// A sequence of pages of metrics goes on in its snapshot.
func TestPagesOfMetricsShowOneSnapshot(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	a := newAPIBench(t)
	before, _ := a.page("/v1/metrics?", "n_values", "")
	first, cursor := a.page("/v1/metrics?limit=1", "n_values", "")
	a.must("exclusions", "import", a.file("exclusions.csv", "participant_id,from,to,reason\nP002,2000-01-01,2030-01-01,none\n"))
	a.now = a.now.Add(time.Hour)
	a.must("sync")
	if now, _ := a.page("/v1/metrics?", "n_values", ""); slices.Equal(now, before) {
		t.Fatalf("the newest snapshot has %v as before", now)
	}
	rest, _ := a.page("/v1/metrics?limit=5", "n_values", cursor)
	if got := append(first, rest...); !slices.Equal(got, before) {
		t.Errorf("pages over two snapshots have %v, want %v of the first", got, before)
	}
	for _, path := range []string{"metrics?select=last7", "metrics?participant=P001", "metrics?snapshot=1", "metrics?format=csv", "status?", "runs?", "snapshots?"} {
		if status, body := a.get("/v1/" + path + "&next_cursor=" + url.QueryEscape(cursor)); status != 422 || !strings.Contains(body, "query.next_cursor") {
			t.Errorf("/v1/%s with a cursor of another list: %d %s", path, status, body)
		}
	}
}
