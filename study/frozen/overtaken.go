package frozen

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// Overtaken are the participants whose withdrawal is recorded, and not yet in the snapshot,
// or there from another instant, or of whom the state has forgotten something: it may have
// rows of theirs that are the study's no more.
func (f *Snapshot) Overtaken(ctx context.Context) (ids []string, err error) {
	forgotten, err := f.from.Study.Unremembered(ctx)
	if err != nil {
		return nil, err
	}
	ids = slices.Clone(forgotten.IDs)
	recorded, err := f.from.Study.Cohort.Withdrawals(ctx)
	if err != nil || len(recorded) == 0 {
		return ids, err
	}
	held, err := f.withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range recorded {
		if at, taken := held[w.ParticipantID]; !taken || !at.Equal(w.EffectiveAt) {
			ids = append(ids, w.ParticipantID)
		}
	}
	return ids, nil
}

// withdrawals are the instants from which the snapshot has nothing of those who have
// withdrawn.
func (f *Snapshot) withdrawals(ctx context.Context) (map[string]time.Time, error) {
	if held := f.withdrawn.Load(); held != nil {
		return *held, nil
	}
	held := map[string]time.Time{}
	t, _ := transform.TableNamed("withdrawals")
	for b, err := range f.Rows(ctx, Rows{Table: t, Columns: []string{participantColumn, "effective_at"}}) {
		if err != nil {
			return nil, err
		}
		ids, times := transform.TextOf(columnNamed(b, participantColumn)), column[*array.Timestamp](b, "effective_at")
		for row := range times.Len() {
			held[strings.Clone(ids.Value(row))] = instantAt(times, row)
		}
		b.Release()
	}
	f.withdrawn.Store(&held)
	return held, nil
}
