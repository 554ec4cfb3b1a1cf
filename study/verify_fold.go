package study

import (
	"context"
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/transform"
)

// verifyFold folds the log anew, up to where the newest snapshot goes, beside the lake, and
// compares the two. Where something is damaged it says nothing.
func (s *Study) verifyFold(ctx context.Context, v Verify, done *Verified) error {
	if done.Newest.Snapshot == 0 || done.Has(ManifestDamage, DataDamage, LogDamage, StateDamage) {
		return nil
	}
	r, err := s.replayAs(ctx, Replay{DryRun: true, toLake: true, LockWait: v.LockWait}, "")
	if err != nil {
		return err
	}
	done.Deep = &r
	outdated := done.Newest.Outdated()
	for _, c := range without(r.Difference, done.Erasing).Totals() {
		// What the state says now is no matter of the log; older rules say other rows.
		if t, _ := transform.TableNamed(c.Table); t.Kind == transform.Study || slices.Contains(outdated, c.Table) {
			continue
		}
		done.Damages = append(done.Damages, Damage{Kind: FoldDamage, Path: "data/" + c.Table, Table: c.Table, Rows: differing(c), Err: fmt.Errorf(
			"the raw log says otherwise: %d rows that it does not have, %d more, %d others, and %d with another history", c.Removed, c.Added, c.Changed, c.History)})
	}
	return nil
}

// without leaves rows of participants out of a difference.
func without(d load.Difference, participants []string) load.Difference {
	d.Rows = slices.DeleteFunc(slices.Clone(d.Rows), func(c load.RowCounts) bool { return slices.Contains(participants, c.Participant) })
	return d
}

func differing(c load.RowCounts) int64 { return c.Removed + c.Added + c.Changed + c.History }
