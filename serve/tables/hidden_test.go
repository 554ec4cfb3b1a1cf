package tables

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/serve/api"
)

// rowCount is what the list of tables says.
func (s *series) rowCount(name string) *int64 {
	s.T.Helper()
	_, body := s.Get("/v1/tables", s.Key)
	var list List
	check(s.T, json.Unmarshal(body, &list))
	return list.Tables[slices.IndexFunc(list.Tables, func(t Table) bool { return t.Name == name })].Rows
}

// rowsLeft checks how many rows of P002 and of all tables shows.
func (s *series) rowsLeft(when string, want map[string]int) {
	s.T.Helper()
	for path, n := range want {
		status, rows := s.rowsOf("/v1/tables/"+path, s.Key)
		if status != 200 || len(rows) != n {
			s.T.Errorf("%s, %s: %d, %d rows, want %d", when, path, status, len(rows), n)
		}
		if slices.ContainsFunc(rows, func(r row) bool { return r["participant_id"] == "P002" }) {
			s.T.Errorf("%s, %s shows P002", when, path)
		}
	}
}

func withoutP002() map[string]int {
	return map[string]int{"glucose": 700, "glucose?columns=glucose_mgdl": 700, "glucose?from=2026-01-01&to=2026-01-01": 288, "participants": 1, "windows": 2, "requests": 1, "settings": 1}
}

// Who was deleted exists for no key: not in whole tables either, and at once.
func TestDeletedIsInNoTable(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	before, _ := s.Get("/v1/tables/glucose", s.Key)
	if s.rowCount("glucose") == nil {
		t.Fatal("the list does not count rows")
	}
	check(t, s.Study.Cohort.Delete(t.Context(), "P002"))
	s.rowsLeft("deleted", withoutP002())
	if status, _ := s.rowsOf("/v1/tables/glucose?participant=P002", s.Key); status != 404 {
		t.Errorf("by name: %d", status)
	}
	if again, _ := s.Get("/v1/tables/glucose", s.Key, "If-None-Match: "+before.Header.Get("ETag")); again.StatusCode != 200 {
		t.Errorf("with the ETag of before: %d", again.StatusCode)
	}
	if n := s.rowCount("glucose"); n != nil {
		t.Errorf("the list counts %d rows", *n)
	}
	if n := s.rowCount("settings"); n == nil || *n != 1 {
		t.Errorf("the list does not count settings")
	}
	check(t, s.Study.Cohort.Undelete(t.Context(), "P002"))
	if again, _ := s.Get("/v1/tables/glucose", s.Key, "If-None-Match: "+before.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("undone, with the ETag of before: %d", again.StatusCode)
	}
}

// From when a withdrawal is recorded nothing of them is shown, until a snapshot has it.
func TestWithdrawalIsUnderWay(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	s.Withdraw("P002", january)
	s.rowsLeft("withdrawn", withoutP002())
	s.rowsLeft("withdrawn", map[string]int{"glucose?snapshot=1": 700, "glucose?participant=P001": 700, "glucose?cohort=B": 0})
	for _, path := range []string{"tables/glucose?participant=P002", "metrics?participant=P002", "status?participant=P001,P002"} {
		if answer, body := s.Get("/v1/"+path, s.Key); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "withdrawal") {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	s.Commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-02T00:00:00"}}})
	s.rowsLeft("taken in from another instant", withoutP002())
	s.Commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-01T00:00:00"}}})
	if _, rows := s.rowsOf("/v1/tables/glucose", s.Key); len(rows) != 1200 {
		t.Errorf("taken in: %d rows, want what the snapshot has", len(rows))
	}
}

// A cursor that somebody made is refused, whatever it says.
func TestMadeCursor(t *testing.T) {
	s := newSeries(t)
	s.Commit(someTables())
	list := strings.Join([]string{"glucose", "", "", "", "", "", ""}, "\x00")
	for _, c := range []api.Cursor{{Snapshot: "1", Last: "-1:0"}, {Snapshot: "1", Last: "0:-1"}, {Snapshot: "1", Last: "x"}, {Snapshot: "1", Last: ""}, {Snapshot: "1", Last: "0:1 "}, {Snapshot: "1", Last: "99999999999999999999:0"}, {Snapshot: "-1", Last: "0:0"}, {Snapshot: "", Last: "0:0"}} {
		if answer, body := s.Get("/v1/tables/glucose?limit=1&next_cursor="+api.NextCursor(list, c), s.Key); answer.StatusCode != 422 {
			t.Errorf("%+v: %d %s", c, answer.StatusCode, body)
		}
	}
	for _, last := range []string{"0:699", "0:9223372036854775807", "7:0"} {
		if answer, body := s.Get("/v1/tables/glucose?limit=1&next_cursor="+api.NextCursor(list, api.Cursor{Snapshot: "1", Last: last}), s.Key); answer.StatusCode != 200 {
			t.Errorf("%s: %d %s", last, answer.StatusCode, body)
		}
	}
}
