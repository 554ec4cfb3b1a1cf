package load

import (
	"context"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
)

// since derives the readings that may hang on records that were added, if it is sure
// that these are the latest ones, and that the rows in hand say what they are; false:
// whole months have to be.
func (d *derivation) since(ctx context.Context, inHand *records) (done bool, err error) {
	if !d.mayDeriveSince(inHand) {
		return false, nil
	}
	m := &making{derivation: d, participant: inHand.participant}
	begin := arrow.Timestamp(reading.BeginSince(int64(inHand.added)))
	m.egvs.addRecords(inHand, func(rec *record) bool { return rec.time >= begin })
	from, records, readings, ok := reading.Since(m.egvs.records(), d.step.study.people[m.participant], int64(inHand.added))
	if ok {
		err = m.hold(ctx, func(f lake.File, _ monthNo) bool { return f.LastTime.UnixMicro() >= from })
	}
	if !ok || err != nil {
		m.release()
		return false, err
	}
	d.made.Go(func() error {
		defer m.release()
		m.since(arrow.Timestamp(from), records, readings)
		return nil
	})
	return true, nil
}

// mayDeriveSince reports whether records were added, and nothing else happened; whether
// all later rows are in hand, in no more than two months, which have a say in each
// other's readings; whether no other row of these and the month before may be of the
// same measurement; and whether nothing is lost.
func (d *derivation) mayDeriveSince(inHand *records) bool {
	s, p := d.step, inHand.participant
	if inHand.begin == 0 || len(inHand.held) == 0 || inHand.lacks || inHand.added == math.MaxInt64 {
		return false
	}
	if s.study.moved[p] || slices.Contains(s.study.anew, p) {
		return false
	}
	if s.lost.of("egvs", p) != nil || s.lost.of(d.t.Name, p) != nil || s.lost.of(d.days.Name, p) != nil {
		return false
	}
	begin := arrow.Timestamp(reading.BeginSince(int64(inHand.added)))
	if first := monthOf(begin); !inHand.reach.near[first-1] || !inHand.reach.near[first] || inHand.lastMonth() > first+1 {
		return false
	}
	later := func(f lake.File) bool {
		return f.FirstParticipant <= p && p <= f.LastParticipant && instant(f.LastTime) >= begin && !inHand.holds(f)
	}
	return !slices.ContainsFunc(d.files, later) && inHand.apart(begin)
}

// since is make of the readings from an instant on, in order of time.
func (m *making) since(from arrow.Timestamp, records []reading.Record, readings []reading.Reading) {
	for len(records) > 0 {
		n := monthOf(arrow.Timestamp(records[0].Time))
		_, end := n.bounds()
		nr, nd := len(records), len(readings)
		if i := slices.IndexFunc(records, func(r reading.Record) bool { return r.Time >= end }); i >= 0 {
			nr = i
		}
		if i := slices.IndexFunc(readings, func(r reading.Reading) bool { return r.Time >= end }); i >= 0 {
			nd = i
		}
		m.replace(n, from, records[:nr], readings[:nd])
		records, readings = records[nr:], readings[nd:]
	}
}
