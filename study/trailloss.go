package study

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// AcceptLoss writes into the audit trail that lines are lost for good: those that its file
// does not have, and those of an older trail, which snapshots have. It returns them; none: the
// trail has all. The tags that only lost lines know become known again, so that none of them
// can be lost unseen. It waits so long for another process that loads.
func (s *Study) AcceptLoss(ctx context.Context, wait time.Duration) (lost []state.Loss, err error) {
	if !s.hasLake() {
		return s.Store.AcceptLoss(ctx, nil)
	}
	err = s.Locked(ctx, wait, func(l *lake.Lake) error {
		_, strays, err := s.holdSnapshots(ctx, l)
		if err != nil {
			return err
		}
		trail, err := s.Store.Trail(ctx)
		if err != nil && !is[*state.AuditError](err) {
			return err
		}
		held, err := linesOnlyIn(ctx, l, strays, trail)
		if err != nil {
			return err
		}
		tags, err := l.Tags()
		if undamaged(err) != nil {
			return err
		}
		lost, err = s.Store.AcceptLoss(ctx, older(strays, held), tagsAgain(trail, held, tags)...)
		return err
	})
	return lost, err
}

// linesOnlyIn are the lines of strays, and of the newest snapshot, that the trail of today does
// not have.
func linesOnlyIn(ctx context.Context, l *lake.Lake, strays []stray, trail []state.AuditLine) (held []state.AuditLine, err error) {
	newest, err := l.Current()
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool)
	for _, line := range trail {
		has[line.Hash] = true
	}
	for _, m := range append(mapped(strays, func(s stray) lake.Manifest { return s.m }), newest) {
		lines, err := (&load.Loader{Lake: l}).AuditLines(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if !has[line.Hash] {
				held = append(held, trailLine(line))
			}
			has[line.Hash] = true
		}
	}
	return held, nil
}

// older is the loss of a trail with which snapshots end; held are the lines that they have.
func older(strays []stray, held []state.AuditLine) []state.Loss {
	if len(strays) == 0 {
		return nil
	}
	bySeq := func(a, b state.AuditLine) int { return cmp.Compare(a.Seq, b.Seq) }
	loss := state.Loss{First: slices.MinFunc(held, bySeq).Seq, Last: slices.MaxFunc(held, bySeq).Seq}
	for _, s := range strays {
		if !slices.Contains(loss.Ends, s.end.hash) {
			loss.Ends = append(loss.Ends, s.end.hash)
		}
	}
	return []state.Loss{loss}
}

// tagsAgain are lines about the tags that the trail of today does not know: as the lake has
// them, or as lost lines have.
func tagsAgain(trail, held []state.AuditLine, tags []lake.Tag) (acts []state.Act) {
	all := slices.Concat(held, trail)
	slices.SortStableFunc(all, func(a, b state.AuditLine) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	made := tagsMade(all)
	for _, t := range tags {
		made[strings.ToLower(t.Name)] = taggedAct{t.Name, t.Snapshot, t.ManifestSHA256, t.CreatedAt, t.Program, t.MetricsVersion, t.Reason}
	}
	for name := range tagsMade(trail) {
		delete(made, name)
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		was := made[name]
		acts = append(acts, state.Act{Subject: tagSubject, After: tagFields(was.tag()), Reason: was.reason})
	}
	return acts
}
