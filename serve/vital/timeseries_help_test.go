package vital

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/transform"
)

// A series is a study with a lake, behind its routes of samples.
type series struct {
	t      testing.TB
	study  *study.Study
	lake   *lake.Lake
	api    *api.API
	server *httptest.Server
	key    string // may read everything
}

// newSeries makes a study of P001 in cohort A and P002 in cohort B.
func newSeries(t testing.TB) *series {
	t.Helper()
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
	check(t, err)
	t.Cleanup(func() { store.Close() })
	store.By = state.Author{Who: "tester", Command: "test"}
	s := &series{t: t, study: &study.Study{Dir: dir, Config: config.Config{Lake: config.Lake{Path: "lake"}}, Store: store, Cohort: &cohort.Cohort{Store: store}}}
	for id, group := range map[string]string{"P001": "A", "P002": "B"} {
		check(t, s.study.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id, Cohort: group, Status: "enrolled"}))
	}
	s.api = api.New(api.Service{Study: s.study, Keys: access.Keys{Store: store}, Identities: access.Identities{Store: store}, Version: "test",
		Now: time.Now, Log: slog.New(slog.DiscardHandler), PerMinute: 1e6})
	reader := &study.Reader{Study: s.study}
	t.Cleanup(func() { reader.Close() })
	Timeseries{API: s.api, Reader: reader}.Register()
	s.server = httptest.NewServer(s.api.Handler())
	t.Cleanup(s.server.Close)
	s.key = s.addKey("all", access.Rights{Scope: access.Read, Notes: true, Unblinded: true})
	return s
}

func (s *series) addKey(name string, r access.Rights) string {
	s.t.Helper()
	secret, _, err := s.api.Keys.Add(s.t.Context(), name, r)
	check(s.t, err)
	return string(secret)
}

func (s *series) user(id string) uuid.UUID {
	s.t.Helper()
	user, err := s.api.Identities.User(s.t.Context(), id)
	check(s.t, err)
	return user
}

// row is some columns of a row.
type row map[string]any

// commit adds a file of each table of these rows, which lie in one month, in order.
func (s *series) commit(rows map[string][]row) lake.Manifest {
	s.t.Helper()
	if s.lake == nil {
		l, err := lake.Open(s.study.LakePath())
		check(s.t, err)
		s.lake = l
		s.t.Cleanup(func() { l.Close() })
	}
	guard, err := s.lake.Lock(s.t.Context(), 0, lake.Holder{Command: "test"})
	check(s.t, err)
	defer guard.Unlock()
	parent, err := s.lake.Current()
	check(s.t, err)
	c := s.lake.Begin(parent)
	for name, list := range rows {
		c.Replace(slices.DeleteFunc(c.Files(), func(f lake.File) bool { return f.Table != name }), writeRows(s.t, c, name, list))
	}
	m, err := c.Finish(s.t.Context(), lake.Manifest{Run: "run"})
	check(s.t, err)
	return m
}

func writeRows(t testing.TB, c *lake.Commit, name string, list []row) lake.File {
	t.Helper()
	table, _ := transform.TableNamed(name)
	partition := ""
	if table.Time != "" {
		partition = filled(table, list[0])[table.Time].(string)[:7]
	}
	w, err := c.Create(table, partition, "")
	check(t, err)
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, r := range list {
		text, err := json.Marshal(filled(table, r))
		check(t, err)
		check(t, b.UnmarshalJSON(text))
	}
	check(t, w.Write(b.NewRecordBatch()))
	f, err := w.Close()
	check(t, err)
	return f
}

// filled is a row with something in every column that may not be null.
func filled(table transform.Table, r row) row {
	all := row{}
	for _, c := range table.Columns {
		switch v, given := r[c.Name]; {
		case given:
			all[c.Name] = v
		case c.Nullable:
		case c.Type.ID() == arrow.STRING:
			all[c.Name] = "x"
		case c.Type.ID() == arrow.BOOL:
			all[c.Name] = false
		case c.Type.ID() == arrow.TIMESTAMP:
			all[c.Name] = "2026-01-01T00:00:00"
		default:
			all[c.Name] = 1
		}
	}
	return all
}

// get asks for a path with a key; the answer's JSON goes into out where it is 200.
func (s *series) get(path, key string, out any) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+path, nil)
	check(s.t, err)
	r.Header.Set(api.KeyHeader, key)
	answer, err := http.DefaultClient.Do(r)
	check(s.t, err)
	defer answer.Body.Close()
	if out != nil {
		check(s.t, json.NewDecoder(answer.Body).Decode(out))
	}
	return answer.StatusCode
}

// pages follows the cursors of a grouped route.
func pages[S any](s *series, path string) (all []S, sizes []int) {
	s.t.Helper()
	for cursor := ""; ; {
		var p Page[S]
		if status := s.get(path+cursor, s.key, &p); status != http.StatusOK {
			s.t.Fatalf("%s%s: %d", path, cursor, status)
		}
		n := 0
		for _, g := range p.Groups[providerSlug] {
			all, n = append(all, g.Data...), n+len(g.Data)
		}
		sizes = append(sizes, n)
		if p.NextCursor == nil {
			return all, sizes
		}
		cursor = "&next_cursor=" + *p.NextCursor
	}
}

// glucoseRows are n readings of somebody, five minutes apart, from then on.
func glucoseRows(id string, from time.Time, n int, mgdl func(i int) any) (rows []row) {
	for i := range n {
		at := from.Add(time.Duration(i) * 5 * time.Minute)
		rows = append(rows, row{"participant_id": id, "time_utc": at.Format("2006-01-02T15:04:05"), "local_time": at.Add(-5 * time.Hour).Format("2006-01-02T15:04:05"), "glucose_mgdl": mgdl(i)})
	}
	return rows
}

func concat(lists ...[]row) []row { return slices.Concat(lists...) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
