//go:build linux || darwin

package tables

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/api/apitest"
)

// An answer that did not change is not sent again; one with other people, or of another
// snapshot, is.
func TestETag(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	for _, path := range []string{"/v1/tables/glucose", "/v1/tables/glucose?cohort=A"} {
		answer, _ := s.Get(path, s.Key)
		etag := answer.Header.Get("ETag")
		for header, want := range map[string]int{etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, `"x"`: 200, "": 200} {
			if answer, body := s.Get(path, s.Key, "If-None-Match: "+header); answer.StatusCode != want || want == 304 && (len(body) > 0 || answer.Header.Get("ETag") != etag) {
				t.Errorf("%s with %s: %d, %d bytes", path, header, answer.StatusCode, len(body))
			}
		}
	}
	answer, _ := s.Get("/v1/tables/glucose?cohort=A", s.Key)
	who, err := s.Study.Cohort.Participant(t.Context(), "P002")
	check(t, err)
	who.ID, who.Cohort = "P003", "A"
	check(t, s.Study.Cohort.AddParticipant(t.Context(), who))
	if again, _ := s.Get("/v1/tables/glucose?cohort=A", s.Key, "If-None-Match: "+answer.Header.Get("ETag")); again.StatusCode != 200 {
		t.Error("a cohort that has grown is not sent again")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+"/v1/tables/glucose", nil)
	check(t, err)
	r.Header.Set("x-vital-api-key", s.Key)
	head, err := http.DefaultClient.Do(r)
	check(t, err)
	head.Body.Close()
	if head.StatusCode != 200 || head.Header.Get("ETag") != `"1"` {
		t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
	}
}

// The pages of a sequence are together the table of one snapshot, whatever is committed
// between them, and of whatever size they are.
func TestPagesOfTables(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	for _, query := range []string{"", "&participant=P002", "&from=2026-01-01T03:00:00&to=2026-01-02T05:00:00", "&columns=glucose_mgdl&cohort=A"} {
		newest, err := s.tables.Reader.Newest()
		check(t, err)
		_, want := s.Get("/v1/tables/glucose?format=ndjson&snapshot=latest"+query, s.Key)
		for _, limit := range []int{1200, 1199, 100, 7} {
			var got []byte
			for cursor := ""; ; {
				answer, body := s.Get(fmt.Sprintf("/v1/tables/glucose?format=ndjson&limit=%d%s%s", limit, query, cursor), s.Key)
				if answer.StatusCode != 200 || answer.Header.Get(api.SnapshotHeader) != fmt.Sprint(newest.Manifest.Snapshot) || bytes.Count(body, []byte("\n")) > limit {
					t.Fatalf("limit %d%s: %d, snapshot %s, %d rows", limit, query, answer.StatusCode, answer.Header.Get(api.SnapshotHeader), bytes.Count(body, []byte("\n")))
				}
				got = append(got, body...)
				next := answer.Header.Get(CursorHeader)
				if next == "" {
					break
				}
				if cursor == "" && limit == 100 {
					s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 10, func(int) any { return 300 })})
				}
				cursor = "&next_cursor=" + url.QueryEscape(next)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("pages of %d%s are together %d bytes, want the %d of the table", limit, query, len(got), len(want))
			}
			if limit == 100 {
				s.Commit(someTables())
				newest, err = s.tables.Reader.Newest()
				check(t, err)
			}
		}
	}
	answer, _ := s.Get("/v1/tables/glucose?limit=10", s.Key)
	if answer, _ := s.Get("/v1/tables/egvs?limit=10&next_cursor="+answer.Header.Get(CursorHeader), s.Key); answer.StatusCode != 422 {
		t.Errorf("a cursor of another table: %d", answer.StatusCode)
	}
	s.Commit(map[string][]row{"withdrawals": {{"participant_id": "P002"}}})
	for _, path := range []string{"?snapshot=1", "?limit=10&next_cursor=" + answer.Header.Get(CursorHeader)} {
		if answer, body := s.Get("/v1/tables/glucose"+path, s.Key); answer.StatusCode != 410 {
			t.Errorf("%s, of before a withdrawal: %d %.100s", path, answer.StatusCode, body)
		}
	}
}

// Readers see whole snapshots while others are committed.
func TestReadersAndCommits(t *testing.T) {
	s := newSeries(t)
	value := func(n int) func(int) any { return func(int) any { return 100 + n } }
	s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 101, value(1))})
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			last := 0
			for ctx.Err() == nil {
				answer, body := s.Get("/v1/tables/glucose?format=ndjson&columns=glucose_mgdl", s.Key)
				var n int
				_, _ = fmt.Sscan(answer.Header.Get(api.SnapshotHeader), &n)
				want := strings.Repeat(fmt.Sprintf("{\"glucose_mgdl\":%d}\n", 100+n), 100+n)
				if answer.StatusCode != 200 || n < last || string(body) != want {
					t.Errorf("after snapshot %d: %d, snapshot %d, %.40s", last, answer.StatusCode, n, body)
					return
				}
				last = n
			}
		})
	}
	for n := 2; n < 25; n++ {
		s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 100+n, value(n))})
	}
	stop()
	readers.Wait()
}

// A reader who leaves in the middle holds up nobody: the turn is free again.
func TestReaderLeaves(t *testing.T) {
	s := newSeries(t)
	s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 8900, func(int) any { return 100 })})
	for range 3 * streams {
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/tables/glucose?format=ndjson", nil)
		check(t, err)
		r.Header.Set("x-vital-api-key", s.Key)
		answer, err := http.DefaultClient.Do(r)
		check(t, err)
		_, err = answer.Body.Read(make([]byte, 100))
		check(t, err)
		leave()
		answer.Body.Close()
	}
	if _, rows := s.rowsOf("/v1/tables/glucose", s.Key); len(rows) != 8900 {
		t.Errorf("%d rows, want 8900", len(rows))
	}
}

// A key that reads slowly, in as many requests as there are tables at a time, leaves others
// room.
func TestSlowReaders(t *testing.T) {
	s := newSeries(t)
	var rows []row
	for n := range 4 {
		rows = append(rows, apitest.GlucoseRows(fmt.Sprintf("P00%d", n), january, 8900, func(int) any { return 100 })...)
	}
	s.Commit(map[string][]row{"glucose": rows})
	ctx, leave := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer leave()
	begun := make(chan int)
	for range streams {
		readers.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/tables/glucose?format=ndjson", nil)
			check(t, err)
			r.Header.Set("x-vital-api-key", s.Key)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return // the test is over
			}
			defer answer.Body.Close()
			select {
			case begun <- answer.StatusCode:
				<-ctx.Done()
			case <-ctx.Done():
			}
		})
	}
	for range keyStreams {
		if status := <-begun; status != 200 {
			t.Fatalf("a slow reader: %d", status)
		}
	}
	other := s.AddKey("other", access.Rights{Scope: access.Read})
	if answer, body := s.Get("/v1/tables/glucose?format=csv&limit=10", other); answer.StatusCode != 200 {
		t.Errorf("another key: %d %s", answer.StatusCode, body)
	}
}

// A file that is damaged breaks the answer off, or is an error before it begins; never does
// less than a whole table look whole.
func TestDamagedTable(t *testing.T) {
	s := newSeries(t)
	m := s.Commit(map[string][]row{"glucose": apitest.GlucoseRows("P001", january, 100, func(int) any { return 100 })})
	file := filepath.Join(s.Study.LakePath(), m.TableFiles("glucose")[0].Path)
	check(t, os.Remove(file))
	answer, body := s.Get("/v1/tables/glucose", s.Key)
	if answer.StatusCode != 500 || strings.Contains(string(body), "data/") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}
