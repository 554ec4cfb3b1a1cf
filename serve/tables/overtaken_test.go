package tables

import (
	"bytes"
	"io"
	"net/http"
	"runtime/debug"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
)

// during lets something happen once, when the rows of an answer are on their way.
func (s *series) during(happens func()) {
	s.API.Now = func() time.Time {
		if bytes.Contains(debug.Stack(), []byte(".stillShown(")) && happens != nil {
			once := happens
			happens = nil
			once()
		}
		return time.Now()
	}
}

// ends asks for rows, and reports whether they came to their end.
func (s *series) ends(path string) bool {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet, s.URL+path, nil)
	check(s.T, err)
	r.Header.Set(api.KeyHeader, s.Key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil { // nothing had left yet
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		s.T.Errorf("%s: %s", path, answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil
}

// Rows on their way end without their end when somebody in them withdraws or is deleted;
// those of others go on.
func TestRowsOfSomebodyWhoLeavesMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		path string
		ends bool
	}{
		{"glucose?format=ndjson", false}, {"glucose?format=parquet", false}, {"glucose?participant=P002&format=csv", false},
		{"glucose?cohort=B&format=arrow", false}, {"glucose?limit=10&format=ndjson", false},
		{"glucose?participant=P001&format=csv", true}, {"glucose?cohort=A&limit=10&format=csv", true}, {"settings?format=csv", true},
	} {
		for what, leave := range map[string]func(s *series){
			"withdraws":  func(s *series) { s.Withdraw("P002", january) },
			"is deleted": func(s *series) { check(s.T, s.Study.Cohort.Delete(s.T.Context(), "P002")) },
		} {
			s := newSeries(t)
			s.Commit(someTables())
			s.during(func() { leave(s) })
			if got := s.ends("/v1/tables/" + tt.path); got != tt.ends {
				t.Errorf("%s while P002 %s comes to its end: %t, want %t", tt.path, what, got, tt.ends)
			}
		}
	}
}

// Rows on their way end without their end when the study is blinded meanwhile, for keys
// that are not unblinded.
func TestRowsOfAStudyThatIsBlindedMeanwhile(t *testing.T) {
	for _, unblinded := range []bool{false, true} {
		s := newSeries(t)
		s.Commit(someTables())
		s.Key = s.AddKey("other", access.Rights{Scope: access.Read, Unblinded: unblinded})
		s.during(func() { s.Study.Config.Study.Blinding = true })
		if got := s.ends("/v1/tables/glucose?format=ndjson"); got != unblinded {
			t.Errorf("unblinded %t: comes to its end: %t", unblinded, got)
		}
	}
}
