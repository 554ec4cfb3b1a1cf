package cohort

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A row that cannot be read names whose it is.
func TestDamagedRowIsNamed(t *testing.T) {
	ctx := context.Background()
	for _, change := range []string{
		"update participants set study_start = '2026-13-01' where participant_id = 'P002'",
		"update participants set status_date = 'x' where participant_id = 'P002'",
		"insert into windows values ('P002', 'run-in', '2026-02-30', '', 0, 0)",
		"insert into exclusions values ('P002', '2026-02-01T00:00', '2026-02-02T00:00:00', 'why')",
	} {
		s, _ := newStore(t)
		addAll(t, s, "P001", "P002", "P003")
		if _, err := s.Store.Exec(ctx, change); err != nil {
			t.Fatal(err)
		}
		var err error
		for _, list := range []func() error{
			func() error { _, err := s.Participants(ctx); return err },
			func() error { _, err := s.Windows(ctx); return err },
			func() error { _, err := s.Exclusions(ctx); return err },
		} {
			err = errors.Join(err, list())
		}
		var row *RowError
		if !errors.As(err, &row) || row.ParticipantID != "P002" || !strings.Contains(change, row.Table) {
			t.Errorf("after %s: %v, want a *RowError of P002", change, err)
		}
	}
}
