package vital

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/api/apitest"
)

// A cursor that somebody made is refused, whatever it says.
func TestMadeCursor(t *testing.T) {
	in := groupedInput{UserID: uuid.Nil, StartDate: "2026-01-01", Unit: "mmol/L"}
	q, err := in.read("glucose")
	check(t, err)
	for _, c := range []api.Cursor{{Snapshot: "1", Last: "yesterday r1"}, {Snapshot: "1", Last: ""}, {Snapshot: "1", Last: "2026-13-01T00:00:00Z "}, {Snapshot: "-1", Last: "2026-01-01T00:00:00Z "}, {Snapshot: "", Last: "2026-01-01T00:00:00Z "}} {
		in.NextCursor = api.NextCursor(q.list, c)
		_, err := in.read("glucose")
		if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != 422 || p.Wrong[0].Where != "query.next_cursor" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// From when a withdrawal is recorded no sample of them is shown, until a snapshot has it.
func TestNoSamplesWhileWithdrawing(t *testing.T) {
	s := newSeries(t)
	s.Commit(map[string][]row{"glucose": slices.Concat(apitest.GlucoseRows("P001", january, 10, func(int) any { return 100 }), apitest.GlucoseRows("P002", january, 10, func(int) any { return 55 }))})
	s.Withdraw("P002", january)
	ask := func(id, kind string) int {
		return s.get("/v2/timeseries/"+s.user(id).String()+"/"+kind+"?start_date=2026-01-01", s.Key, new(any))
	}
	for _, kind := range []string{"glucose", "glucose/grouped", "note/grouped", "carbohydrates/grouped"} {
		if one, other := ask("P001", kind), ask("P002", kind); one != 200 || other != 503 {
			t.Errorf("%s: %d, and of who has withdrawn %d", kind, one, other)
		}
	}
	s.Commit(map[string][]row{"withdrawals": {{"participant_id": "P002", "effective_at": "2026-01-01T00:00:00"}}})
	if status := ask("P002", "glucose"); status != 200 {
		t.Errorf("taken in: %d", status)
	}
}
