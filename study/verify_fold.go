package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// verifyFold folds the log anew, up to where the newest snapshot goes, beside the lake, and
// compares the two. Where something is damaged that no repair has marked it says nothing.
func (s *Study) verifyFold(ctx context.Context, v Verify, done *Verified) error {
	if done.Newest.Snapshot == 0 || done.HasFresh(ManifestDamage, DataDamage, LogDamage, StateDamage) {
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
		if olderRules(done.Newest, c) {
			continue
		}
		done.Damages = append(done.Damages, Damage{Kind: FoldDamage, Path: "data/" + c.Table, Table: c.Table, Rows: differing(c), Err: errors.New(foldWords(c))})
	}
	return nil
}

// without leaves rows of participants out of a difference.
func without(d load.Difference, participants []string) load.Difference {
	d.Rows = slices.DeleteFunc(slices.Clone(d.Rows), func(c load.RowCounts) bool { return slices.Contains(participants, c.Participant) })
	return d
}

// olderRules reports whether an older program explains that a table differs: it did not know
// the table, or what it counted of answers follows the rules of its other tables.
func olderRules(m lake.Manifest, c load.RowCounts) bool {
	switch {
	case c.Table == "glucose_days" && !m.KeepsDays():
		return true
	case len(m.Outdated()) == 0:
		return false
	}
	return len(m.TableFiles(c.Table)) == 0 || c.Table == "requests" && c.Added+c.Removed == 0
}

// foldWords say how a table differs from the raw log.
func foldWords(c load.RowCounts) string {
	var parts []string
	for _, p := range []struct {
		rows  int64
		words string
	}{
		{c.Added, "%d rows of the raw log are missing in the table"}, {c.Removed, "%d rows of the table are not in the raw log"},
		{c.Changed, "%d rows have other values there"}, {c.History, "%d rows came by another way there"},
	} {
		if p.rows > 0 {
			parts = append(parts, fmt.Sprintf(p.words, p.rows))
		}
	}
	return strings.Join(parts, ", ")
}

func differing(c load.RowCounts) int64 { return c.Removed + c.Added + c.Changed + c.History }
