package tables

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Of whom a state from an older backup has forgotten that they withdrew nothing is shown, in
// no snapshot; the others go on being served. Once the withdrawal is recorded again, and a
// snapshot has it, all is as after any withdrawal.
func TestForgottenWithdrawalIsHidden(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	s.rowCount("glucose") // somebody has asked before
	s.Forget("P002", january)
	s.rowsLeft("forgotten", withoutP002())
	s.rowsLeft("forgotten", map[string]int{"glucose?snapshot=1": 700, "glucose?participant=P001": 700, "glucose?cohort=B": 0})
	for _, path := range []string{"tables/glucose?participant=P002", "metrics?participant=P002", "status?participant=P001,P002"} {
		if answer, body := s.Get("/v1/"+path, s.Key); answer.StatusCode != 503 || !strings.Contains(string(body), "withdrawal") {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	if n := s.rowCount("glucose"); n != nil {
		t.Errorf("the list counts %d rows", *n)
	}
	s.Withdraw("P002", january)
	if found, err := s.Study.Unremembered(t.Context()); err != nil || found.Err != nil || len(found.IDs) > 0 {
		t.Errorf("recorded again: %+v, %v", found, err)
	}
}

// Where nobody can tell who has withdrawn, because the newest manifest is damaged, nobody's
// rows are shown.
func TestUnsureIsShownToNobody(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	manifests, err := filepath.Glob(filepath.Join(s.Study.LakePath(), "manifests", "*.json"))
	check(t, err)
	s.rowCount("glucose") // so that the reader knows the snapshot
	check(t, os.WriteFile(manifests[0], []byte("{"), 0o600))
	s.Withdraw("P001", january)
	if answer, body := s.Get("/v1/tables/glucose", s.Key); answer.StatusCode != 503 || !strings.Contains(string(body), "dexetl status") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}
