package vital

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/serve/api/apitest"
)

// A series is a study with a lake, behind its routes of samples.
type series struct{ *apitest.Series }

type row = apitest.Row

// newSeries makes a study of P001 in cohort A and P002 in cohort B.
func newSeries(t testing.TB) *series {
	t.Helper()
	return &series{apitest.New(t, func(s *apitest.Series) { Timeseries{API: s.API, Reader: s.Reader}.Register() })}
}

func (s *series) user(id string) uuid.UUID {
	s.T.Helper()
	user, err := s.API.Identities.User(s.T.Context(), id)
	check(s.T, err)
	return user
}

// get asks for a path with a key; the answer's JSON goes into out.
func (s *series) get(path, key string, out any) int {
	s.T.Helper()
	answer, body := s.Get(path, key)
	if out != nil {
		check(s.T, json.Unmarshal(body, out))
	}
	return answer.StatusCode
}

// pages follows the cursors of a grouped route.
func pages[S any](s *series, path string) (all []S, sizes []int) {
	s.T.Helper()
	for cursor := ""; ; {
		var p Page[S]
		if status := s.get(path+cursor, s.Key, &p); status != http.StatusOK {
			s.T.Fatalf("%s%s: %d", path, cursor, status)
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
