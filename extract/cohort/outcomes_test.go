package cohort

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFetchOutcomes(t *testing.T) {
	ctx := context.Background()
	s, c := newStore(t)
	for _, id := range []string{"P001", "P002", "P003"} {
		if err := s.AddParticipant(ctx, Participant{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	put := func(runID string, outcomes ...FetchOutcome) time.Time {
		t.Helper()
		c.add(time.Hour)
		for i := range outcomes {
			outcomes[i].RunID = runID
		}
		if err := s.PutFetchOutcomes(ctx, outcomes); err != nil {
			t.Fatal(err)
		}
		return c.now().UTC()
	}
	refused := []Refusal{{"alerts", 422, ""}, {"events", 403, "no such scope"}}
	first := put("1", FetchOutcome{ParticipantID: "P001", Refused: refused[1:]}, FetchOutcome{ParticipantID: "P002", Error: "egvs: 500", Resource: "egvs", Refused: refused})
	second := put("2", FetchOutcome{ParticipantID: "P001", Error: "not connected"})
	want := map[string]FetchOutcome{
		"P001": {"P001", "2", second, "not connected", "", first, nil},
		"P002": {"P002", "1", first, "egvs: 500", "egvs", time.Time{}, refused},
	}
	got, err := s.FetchOutcomes(ctx)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("FetchOutcomes: %v (-want +got)\n%s", err, diff)
	}
	third := put("3", FetchOutcome{ParticipantID: "P001"})
	got, _ = s.FetchOutcomes(ctx)
	if diff := cmp.Diff(FetchOutcome{"P001", "3", third, "", "", third, nil}, got["P001"]); diff != "" {
		t.Errorf("after it went well again (-want +got)\n%s", diff)
	}
	put("4", FetchOutcome{ParticipantID: "P999", Refused: refused})
	if got, err = s.FetchOutcomes(ctx); err != nil || len(got) != 2 {
		t.Errorf("after an outcome of somebody who is no participant: %v, %v; want the 2 of before", got, err)
	}
	if _, err := s.Store.Exec(ctx, "insert into erasures values ('P002', 'done', 0, 0, '', ''); delete from fetch_outcomes where participant_id = 'P002'"); err != nil {
		t.Fatal(err)
	}
	put("5", FetchOutcome{ParticipantID: "P002", Refused: refused})
	if got, err = s.FetchOutcomes(ctx); err != nil || len(got) != 1 {
		t.Errorf("after an outcome of somebody who was erased: %v, %v; want that of P001 alone", got, err)
	}
}
