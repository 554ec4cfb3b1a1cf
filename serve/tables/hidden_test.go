package tables

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/serve/api"
)

// withdraw records a withdrawal, which is in no snapshot yet.
func (s *series) withdraw(id string) {
	s.t.Helper()
	check(s.t, s.study.Store.Change(s.t.Context(), func(tx *sql.Tx) ([]state.Act, error) {
		w, err := s.study.Cohort.Record(s.t.Context(), tx, cohort.Withdrawal{ParticipantID: id, EffectiveAt: january})
		return []state.Act{w.Act(0)}, err
	}))
}

// rowCount is what the list of tables says.
func (s *series) rowCount(name string) *int64 {
	s.t.Helper()
	_, body := s.get("/v1/tables", s.key)
	var list List
	check(s.t, json.Unmarshal(body, &list))
	return list.Tables[slices.IndexFunc(list.Tables, func(t Table) bool { return t.Name == name })].Rows
}

// rowsLeft checks how many rows of P002 and of all tables shows.
func (s *series) rowsLeft(when string, want map[string]int) {
	s.t.Helper()
	for path, n := range want {
		status, rows := s.rowsOf("/v1/tables/"+path, s.key)
		if status != 200 || len(rows) != n {
			s.t.Errorf("%s, %s: %d, %d rows, want %d", when, path, status, len(rows), n)
		}
		if slices.ContainsFunc(rows, func(r row) bool { return r["participant_id"] == "P002" }) {
			s.t.Errorf("%s, %s shows P002", when, path)
		}
	}
}

func withoutP002() map[string]int {
	return map[string]int{"glucose": 700, "glucose?columns=glucose_mgdl": 700, "glucose?from=2026-01-01&to=2026-01-01": 288, "participants": 1, "windows": 2, "requests": 1, "settings": 1}
}

// Who was deleted exists for no key: not in whole tables either, and at once.
func TestDeletedIsInNoTable(t *testing.T) {
	s := newSeries(t)
	s.commit(someTables())
	before, _ := s.get("/v1/tables/glucose", s.key)
	if s.rowCount("glucose") == nil {
		t.Fatal("the list does not count rows")
	}
	check(t, s.study.Cohort.Delete(t.Context(), "P002"))
	s.rowsLeft("deleted", withoutP002())
	if status, _ := s.rowsOf("/v1/tables/glucose?participant=P002", s.key); status != 404 {
		t.Errorf("by name: %d", status)
	}
	if again, _ := s.get("/v1/tables/glucose", s.key, "If-None-Match: "+before.Header.Get("ETag")); again.StatusCode != 200 {
		t.Errorf("with the ETag of before: %d", again.StatusCode)
	}
	if n := s.rowCount("glucose"); n != nil {
		t.Errorf("the list counts %d rows", *n)
	}
	if n := s.rowCount("settings"); n == nil || *n != 1 {
		t.Errorf("the list does not count settings")
	}
	check(t, s.study.Cohort.Undelete(t.Context(), "P002"))
	if again, _ := s.get("/v1/tables/glucose", s.key, "If-None-Match: "+before.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("undone, with the ETag of before: %d", again.StatusCode)
	}
}

// From when a withdrawal is recorded nothing of them is shown, until a snapshot has it.
func TestWithdrawalIsUnderWay(t *testing.T) {
	s := newSeries(t)
	s.commit(someTables())
	s.withdraw("P002")
	s.rowsLeft("withdrawn", withoutP002())
	s.rowsLeft("withdrawn", map[string]int{"glucose?snapshot=1": 700, "glucose?participant=P001": 700, "glucose?cohort=B": 0})
	for _, path := range []string{"tables/glucose?participant=P002", "metrics?participant=P002", "status?participant=P001,P002"} {
		if answer, body := s.get("/v1/"+path, s.key); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "withdrawal") {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	s.commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-02T00:00:00"}}})
	s.rowsLeft("taken in from another instant", withoutP002())
	s.commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-01T00:00:00"}}})
	if _, rows := s.rowsOf("/v1/tables/glucose", s.key); len(rows) != 1200 {
		t.Errorf("taken in: %d rows, want what the snapshot has", len(rows))
	}
}

// A cursor that somebody made is refused, whatever it says.
func TestMadeCursor(t *testing.T) {
	s := newSeries(t)
	s.commit(someTables())
	list := strings.Join([]string{"glucose", "", "", "", "", "", ""}, "\x00")
	for _, c := range []api.Cursor{{Snapshot: "1", Last: "-1:0"}, {Snapshot: "1", Last: "0:-1"}, {Snapshot: "1", Last: "x"}, {Snapshot: "1", Last: ""}, {Snapshot: "1", Last: "0:1 "}, {Snapshot: "1", Last: "99999999999999999999:0"}, {Snapshot: "-1", Last: "0:0"}, {Snapshot: "", Last: "0:0"}} {
		if answer, body := s.get("/v1/tables/glucose?limit=1&next_cursor="+api.NextCursor(list, c), s.key); answer.StatusCode != 422 {
			t.Errorf("%+v: %d %s", c, answer.StatusCode, body)
		}
	}
	for _, last := range []string{"0:699", "0:9223372036854775807", "7:0"} {
		if answer, body := s.get("/v1/tables/glucose?limit=1&next_cursor="+api.NextCursor(list, api.Cursor{Snapshot: "1", Last: last}), s.key); answer.StatusCode != 200 {
			t.Errorf("%s: %d %s", last, answer.StatusCode, body)
		}
	}
}
