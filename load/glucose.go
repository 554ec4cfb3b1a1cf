package load

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/reading"
	"github.com/dexetl/dexetl/transform"
)

// egvColumns are what readings are made of.
var egvColumns = [...]string{
	"participant_id", "record_id", "system_time", "display_time", "utc_offset_min", "utc_offset_source", "transmitter_id",
	"transmitter_ticks", "display_device", "display_app", "glucose_mgdl", "status", "trend", "trend_rate_mgdl_min", "vanished_at",
}

// deriveGlucose makes glucose anew for every participant and month whose egvs,
// or those of a neighbouring month, or whose place in the roster changed.
func (s *step) deriveGlucose(ctx context.Context) error {
	months, err := s.monthsToDerive()
	if err != nil {
		return err
	}
	for _, partition := range s.partitions("glucose", nil) { // a day moves into its month's ranges
		m, err := parseMonth(partition)
		if err != nil {
			return err
		}
		within(months, m)
	}
	egvs := make(map[string][]lake.File)
	for _, f := range s.commit.Files() {
		if f.Table == "egvs" {
			egvs[f.Partition] = append(egvs[f.Partition], f)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for m, participants := range months {
		g.Go(func() error { return s.deriveMonth(ctx, m, participants, egvs) })
	}
	return g.Wait()
}

func (s *step) monthsToDerive() (map[monthNo]map[string]bool, error) {
	months := make(map[monthNo]map[string]bool)
	mark := func(m monthNo, participant string) { within(months, m)[participant] = true }
	for partition, changes := range s.edits["egvs"] {
		m, err := parseMonth(partition)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			mark(m-1, c.participant)
			mark(m, c.participant)
			mark(m+1, c.participant)
		}
	}
	for _, f := range s.commit.Files() {
		if f.Table != "egvs" && f.Table != "glucose" {
			continue
		}
		m, err := parseMonth(f.Partition)
		if err != nil {
			return nil, err
		}
		has := func(p string) bool { return f.FirstParticipant <= p && p <= f.LastParticipant }
		for p := range s.study.moved {
			if f.Table == "egvs" && has(p) {
				mark(m, p)
			}
		}
		for _, p := range s.study.anew { // whose withdrawn records may be lost: no edit tells of them
			if f.Table == "glucose" && has(p) && s.lostSources(m, p) {
				mark(m, p)
			}
		}
	}
	return months, nil
}

// deriveMonth derives the readings of one month out of its egvs and those of
// its neighbours, and rewrites what differs from the rows held.
func (s *step) deriveMonth(ctx context.Context, m monthNo, of map[string]bool, egvs map[string][]lake.File) error {
	files := slices.Concat(egvs[(m-1).String()], egvs[m.String()], egvs[(m+1).String()])
	d := derivation{
		step: s, t: shapeNamed("glucose"), month: m,
		sources: newSweep(s.loader.Lake, files, lake.ReadOptions{Columns: egvColumns[:]}),
		held:    newSweep(s.loader.Lake, partition(s.parent.TableFiles("glucose"), m.String()), lake.ReadOptions{}),
	}
	defer d.sources.close()
	defer d.held.close()
	var changes []change
	defer func() { releaseChanges(changes) }()
	for _, p := range slices.Sorted(maps.Keys(of)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := d.participant(ctx, p)
		if err != nil {
			return err
		}
		if c.adds != nil || c.drops != nil {
			changes = append(changes, c)
		}
	}
	return s.rewrite(ctx, d.t, m.String(), changes)
}

// A derivation makes the readings of one month, of one participant after the other.
type derivation struct {
	step          *step
	t             shape // glucose
	month         monthNo
	sources, held *sweep // egvs, glucose
}

// participant returns what changes. Where the month's records are lost, its
// readings stay but for those from a withdrawal on; where the readings are lost,
// the records are counted.
func (d *derivation) participant(ctx context.Context, p string) (change, error) {
	lost, lostSources := d.step.lost.in("glucose", d.month.String(), p), d.step.lostSources(d.month, p)
	if lostSources && (lost || d.step.loader.cuts[p].IsZero()) {
		return change{}, nil
	}
	var pieces, old []piece
	var err error
	defer func() { releasePieces(slices.Concat(pieces, old)) }()
	if !lostSources {
		if pieces, err = d.sources.take(ctx, p, nil); err != nil {
			return change{}, err
		}
	}
	if !lost {
		if old, err = d.held.take(ctx, p, nil); err != nil {
			return change{}, err
		}
	}
	if lostSources {
		return d.step.cutReadings(d.t, p, old), nil
	}
	readings := d.step.readings(d.month, p, pieces)
	if lost {
		return change{}, nil
	}
	fresh := d.step.glucoseRows(d.t, p, readings)
	defer fresh.Release()
	return d.step.difference(d.t, p, old, fresh), nil
}

func partition(files []lake.File, name string) []lake.File {
	return slices.DeleteFunc(files, func(f lake.File) bool { return f.Partition != name })
}

// readings are those of a participant and month, made of the rows of egvs around
// it, whose texts they keep. It counts their days.
func (s *step) readings(m monthNo, participant string, egvs []piece) []reading.Reading {
	records := presentRecords(egvs)
	readings := reading.Readings(records, s.study.people[participant])
	from, to := m.bounds()
	readings = readings[firstFrom(readings, from):firstFrom(readings, to)]
	days := daysOfReadings(records, readings, from, to)
	conflicts := 0
	for _, r := range readings {
		conflicts += int(r.Conflicts)
	}
	s.mu.Lock()
	s.conflicts += conflicts
	s.days[monthKey{participant, m.String(), "egvs"}] = days
	s.mu.Unlock()
	return readings
}

// firstFrom is the place of the first reading that is not before an instant.
func firstFrom(readings []reading.Reading, at int64) int {
	return sort.Search(len(readings), func(i int) bool { return readings[i].Time >= at })
}

// lostSources reports whether records that a month's readings are made of may be lost.
func (s *step) lostSources(m monthNo, participant string) bool {
	return slices.ContainsFunc([]monthNo{m - 1, m, m + 1}, func(m monthNo) bool { return s.lost.in("egvs", m.String(), participant) })
}

// cutReadings drops the readings held from a withdrawal on.
func (s *step) cutReadings(t shape, participant string, held []piece) change {
	c := change{participant: participant}
	cut, removed := s.loader.cuts[participant], 0
	for _, p := range held {
		for row, at := range t.times(p.rows, "time_utc").Values() {
			if at >= instant(cut) {
				c.drop(p, row)
				removed++
			}
		}
	}
	if removed > 0 {
		s.counted(t.Name, Counts{Removed: removed})
	}
	return c
}

// presentRecords reads the records of pieces that have not vanished, as a rule in
// order of time: it orders pieces, whose rows are. Their texts live as long as the
// pieces.
func presentRecords(pieces []piece) []reading.Record {
	first := func(p piece) arrow.Timestamp {
		return p.rows.Column(p.rows.Schema().FieldIndices("system_time")[0]).(*array.Timestamp).Value(0)
	}
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(first(a), first(b)) })
	n := 0
	for _, p := range pieces {
		n += int(p.rows.NumRows())
	}
	records := make([]reading.Record, 0, n)
	for _, p := range pieces {
		column := make(map[string]arrow.Array, len(egvColumns))
		for i, c := range p.rows.Columns() {
			column[p.rows.ColumnName(i)] = c
		}
		text := func(name string) func(int) string {
			a := transform.TextOf(column[name])
			return func(row int) string {
				if a.IsNull(row) {
					return ""
				}
				return a.Value(row)
			}
		}
		id, from, transmitter := text("record_id"), text("utc_offset_source"), text("transmitter_id")
		device, app := text("display_device"), text("display_app")
		status, trend := text("status"), text("trend")
		times, display := column["system_time"].(*array.Timestamp), column["display_time"].(*array.Timestamp)
		offset, ticks := column["utc_offset_min"].(*array.Int16), column["transmitter_ticks"].(*array.Int64)
		value, rate := column["glucose_mgdl"].(*array.Int16), column["trend_rate_mgdl_min"].(*array.Float64)
		vanished := column["vanished_at"]
		for row := range int(p.rows.NumRows()) {
			if vanished.IsValid(row) {
				continue
			}
			r := reading.Record{
				ID: id(row), Time: int64(times.Value(row)), OffsetFrom: from(row), Transmitter: transmitter(row),
				Device: device(row), App: app(row), Status: status(row), Trend: trend(row),
				OffsetMin: maybe(offset, row), Value: maybe(value, row), Rate: maybe(rate, row),
				Ticks: maybe(ticks, row).V,
			}
			if display.IsValid(row) {
				r.Display = reading.Some(int64(display.Value(row)))
			}
			records = append(records, r)
		}
	}
	return records
}

func maybe[T any, A valuesOf[T]](a A, row int) reading.Maybe[T] {
	if a.IsNull(row) {
		return reading.Maybe[T]{}
	}
	return reading.Some(a.Value(row))
}

// difference compares the readings held with the ones derived.
func (s *step) difference(t shape, participant string, held []piece, fresh arrow.RecordBatch) change {
	c := change{participant: participant}
	times := t.times(fresh, "time_utc")
	kept := make([]bool, times.Len())
	var counts Counts
	replaced := 0
	for _, p := range held {
		old := t.times(p.rows, "time_utc")
		for row := range old.Len() {
			at, found := slices.BinarySearch(times.Values(), old.Value(row))
			if found && compareRows(p.rows, row, fresh, at, t.all) == 0 {
				kept[at] = true
				continue
			}
			replaced += bit(found)
			counts.Removed += bit(!found)
			c.drop(p, row)
		}
	}
	var picks []pick
	for row, same := range kept {
		if !same {
			picks = append(picks, pick{0, int32(row)})
		}
	}
	counts.Changed, counts.Added = replaced, len(picks)-replaced
	if counts != (Counts{}) {
		s.counted(t.Name, counts)
	}
	switch len(picks) {
	case 0:
	case times.Len():
		fresh.Retain()
		c.adds = fresh
	default:
		c.adds = sources{fresh}.gather(s.loader.Mem, t.schema, picks)
	}
	return c
}
