package load

import (
	"context"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
)

// A derivation makes glucose of egvs, and glucose_days with it, for one participant
// after the other, in their order. Beside the rows that the fold has in hand it reads
// those of neighbouring months.
type derivation struct {
	step     *step
	t, days  shape       // glucose, glucose_days
	files    []lake.File // of egvs
	rows     *sweep      // egvs
	held     *sweep      // glucose
	heldDays *sweep
	made     errgroup.Group
}

// derivation makes glucose of the egvs of a side.
func (s *step) derivation(of Side) *derivation {
	d := &derivation{step: s, t: shapeNamed("glucose"), days: shapeNamed(glucoseDaysTable), files: of.Manifest.TableFiles("egvs")}
	d.rows = newSweep(of.Lake, slices.Clone(d.files), lake.ReadOptions{Columns: egvColumns[:]})
	d.held, d.heldDays = s.heldRows(d.t.Name), s.heldRows(d.days.Name)
	d.made.SetLimit(runtime.GOMAXPROCS(0))
	return d
}

// close waits for what is being made.
func (d *derivation) close() {
	d.rows.close()
	d.held.close()
	d.heldDays.close()
	d.made.Wait() //nolint:errcheck // nothing in it can fail
}

// deriveMoved derives the readings of those whose place in the roster changed, but
// for those with changes of egvs, which are derived with these.
func (s *step) deriveMoved(ctx context.Context) error {
	answered := s.answersOf("egvs")
	d := s.derivation(s.held())
	defer d.close()
	for _, p := range slices.Sorted(maps.Keys(s.study.moved)) {
		if answered[p] != nil || slices.Contains(s.study.anew, p) {
			continue
		}
		if err := d.participant(ctx, &records{participant: p}, nil); err != nil {
			return err
		}
	}
	return nil
}

// participant derives the readings of the months that changed and their neighbours,
// and of all months if the place in the roster did. In hand are all rows of some months.
func (d *derivation) participant(ctx context.Context, inHand *records, changed []monthNo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if done, err := d.since(ctx, inHand); done || err != nil {
		return err
	}
	m := &making{derivation: d, participant: inHand.participant}
	if err := d.months(m, changed); err != nil || len(m.months) == 0 {
		return err
	}
	needed := around(m.months)
	pieces, err := d.take(ctx, d.rows, m.participant, func(f lake.File, n monthNo) bool {
		return needed[n] && !inHand.holds(f) && !d.step.lost.in("egvs", n.String(), m.participant)
	})
	if err != nil {
		return err
	}
	m.egvs.add(pieces)
	m.egvs.addRecords(inHand, func(rec *record) bool { return needed[rec.month] })
	if err := m.hold(ctx, func(_ lake.File, n monthNo) bool { return m.months[n] }); err != nil {
		m.release()
		return err
	}
	d.made.Go(func() error {
		defer m.release()
		m.make()
		return nil
	})
	return nil
}

// months says which months are derived, in their order.
func (d *derivation) months(of *making, changed []monthNo) error {
	months, s := make(map[monthNo]bool), d.step
	for _, n := range changed {
		months[n] = true
	}
	months = around(months)
	add := func(files []lake.File, is func(monthNo) bool) error {
		for _, f := range files {
			n, err := parseMonth(f.Partition)
			if err != nil {
				return err
			}
			if f.FirstParticipant <= of.participant && of.participant <= f.LastParticipant && is(n) {
				months[n] = true
			}
		}
		return nil
	}
	if s.study.moved[of.participant] {
		if err := add(d.files, func(monthNo) bool { return true }); err != nil {
			return err
		}
	}
	if slices.Contains(s.study.anew, of.participant) { // whose withdrawn records may be lost: no change tells of them
		err := add(s.parent.TableFiles(d.t.Name), func(n monthNo) bool { return s.lostSources(n, of.participant) })
		if err != nil {
			return err
		}
	}
	// Where its records are lost a month stays as it is, but for a withdrawal.
	cut := !s.loader.cuts[of.participant].IsZero()
	maps.DeleteFunc(months, func(n monthNo, _ bool) bool { return !cut && s.lostSources(n, of.participant) })
	of.months = months
	return nil
}

// take returns a participant's rows of some months.
func (d *derivation) take(ctx context.Context, from *sweep, participant string, want func(lake.File, monthNo) bool) ([]piece, error) {
	return from.take(ctx, participant, func(f lake.File) bool {
		n, err := parseMonth(f.Partition)
		return err == nil && f.Damaged == "" && want(f, n)
	})
}

// around are months and their neighbours.
func around(months map[monthNo]bool) map[monthNo]bool {
	all := make(map[monthNo]bool, len(months)+2)
	for m := range months {
		all[m-1], all[m], all[m+1] = true, true, true
	}
	return all
}

func partition(files []lake.File, name string) []lake.File {
	return slices.DeleteFunc(files, func(f lake.File) bool { return f.Partition != name })
}

// lostSources reports whether records that a month's readings are made of may be lost.
func (s *step) lostSources(m monthNo, participant string) bool {
	return slices.ContainsFunc([]monthNo{m - 1, m, m + 1}, func(m monthNo) bool { return s.lost.in("egvs", m.String(), participant) })
}
