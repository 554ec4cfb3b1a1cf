package load

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// A layout says how the rows of a partition are spread over files. It never
// changes which rows there are.
type layout struct {
	maxRows  int64 // a closed file is full, and split after the participant that reaches it
	maxFiles int   // closed files that are not full, at most: neighbours are joined
	minGroup int64 // rows of a part that is copied, not written anew, when files are joined
	hotDays  int   // how far the border stays behind the newest server date
}

// defaultLayout makes closed files of about 128 MB at 22 B per row.
var defaultLayout = layout{maxRows: 5_500_000, maxFiles: 4, minGroup: 8192, hotDays: 10}

// A change is what happens to the rows of one participant in one partition.
type change struct {
	participant string
	adds        arrow.RecordBatch // in the table's order; nil: none
	drops       map[string][]int  // by file: places among the participant's rows in it, ascending
}

// drop notes that a row of a piece goes away.
func (c *change) drop(p piece, row int) {
	if c.drops == nil {
		c.drops = make(map[string][]int)
	}
	c.drops[p.path] = append(c.drops[p.path], p.first+row)
}

// releaseChanges releases the rows of changes, which still say whom they
// concern.
func releaseChanges(changes []change) {
	for i := range changes {
		if c := &changes[i]; c.adds != nil {
			c.adds.Release()
			c.adds = nil
		}
	}
}

// A rewrite applies changes, ordered by participant, to one partition.
type rewrite struct {
	step    *step
	table   shape
	part    string
	border  time.Time // zero: no hot days
	changes []change
}

// run rewrites the files that change, and those that the border has passed.
func (r *rewrite) run(ctx context.Context) error {
	units, release := r.plan()
	defer release()
	for _, u := range units {
		if !u.dirty {
			continue
		}
		files, err := r.filesOf(ctx, u)
		if err != nil {
			return err
		}
		r.step.commit.Replace(u.files, files...)
	}
	return nil
}

// plan sorts files and changes into units. The rows it slices off the changes
// live until release is called.
func (r *rewrite) plan() (units []*unit, release func()) {
	var closed, aged []lake.File
	hot := make(map[string]*unit)
	for _, f := range r.step.commit.Files() {
		switch {
		case f.Table != r.table.Name || f.Partition != r.part || f.Damaged != "":
		case f.Day == "":
			closed = append(closed, f)
		case r.isHot(f.Day):
			hot[f.Day] = &unit{day: f.Day, files: []lake.File{f}}
		default:
			aged = append(aged, f)
		}
	}
	old, sliced := r.spread(hot)
	units = r.closedUnits(closed, aged, old)
	r.markDrops(units)
	days := slices.Collect(maps.Values(hot))
	r.markDrops(days)
	return append(r.join(units), days...), func() { releaseAll(sliced) }
}

func (r *rewrite) isHot(day string) bool { return !r.border.IsZero() && day >= lake.Day(r.border) }

// spread hands the rows from the border on to the units of their days and
// returns those before it, by participant, and everything it sliced.
func (r *rewrite) spread(hot map[string]*unit) (old map[string]arrow.RecordBatch, sliced []arrow.RecordBatch) {
	old = make(map[string]arrow.RecordBatch)
	for _, c := range r.changes {
		if c.adds == nil || c.adds.NumRows() == 0 {
			continue
		}
		if r.border.IsZero() {
			old[c.participant] = c.adds
			continue
		}
		times := r.table.times(c.adds, r.table.Time)
		from, limit := 0, r.border
		for from < times.Len() {
			to := from + sort.Search(times.Len()-from, func(i int) bool { return times.Value(from+i) >= instant(limit) })
			if to > from {
				part := c.adds.NewSlice(int64(from), int64(to))
				sliced = append(sliced, part)
				if first := time.UnixMicro(int64(times.Value(from))); first.Before(r.border) {
					old[c.participant] = part
				} else {
					day := lake.Day(first)
					if hot[day] == nil {
						hot[day] = &unit{day: day}
					}
					hot[day].add(c.participant, part)
				}
				from = to
			}
			if from < times.Len() {
				limit = time.UnixMicro(int64(times.Value(from))).UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
			}
		}
	}
	return old, sliced
}

// closedUnits makes units of disjoint ranges: one per file, one per stretch of
// participants between two files; all in one if days are to be worked in.
func (r *rewrite) closedUnits(closed, aged []lake.File, old map[string]arrow.RecordBatch) []*unit {
	slices.SortFunc(closed, func(a, b lake.File) int { return cmp.Compare(a.FirstParticipant, b.FirstParticipant) })
	if len(aged) > 0 {
		all := &unit{files: append(closed, aged...), dirty: true}
		for _, c := range r.changes {
			if rows := old[c.participant]; rows != nil {
				all.add(c.participant, rows)
			}
		}
		return []*unit{all}
	}
	var units []*unit
	next := 0 // closed file not yet in units
	var gap *unit
	for _, c := range r.changes {
		rows := old[c.participant]
		if rows == nil {
			continue
		}
		for next < len(closed) && closed[next].FirstParticipant <= c.participant {
			units = append(units, &unit{files: closed[next : next+1]})
			next, gap = next+1, nil
		}
		switch {
		case next > 0 && c.participant <= closed[next-1].LastParticipant:
			units[len(units)-1].add(c.participant, rows)
		case gap != nil:
			gap.add(c.participant, rows)
		default:
			gap = &unit{}
			gap.add(c.participant, rows)
			units = append(units, gap)
		}
	}
	for ; next < len(closed); next++ {
		units = append(units, &unit{files: closed[next : next+1]})
	}
	return units
}

func (r *rewrite) markDrops(units []*unit) {
	dropped := make(map[string]bool)
	for _, c := range r.changes {
		for path := range c.drops {
			dropped[path] = true
		}
	}
	for _, u := range units {
		u.dirty = u.dirty || slices.ContainsFunc(u.files, func(f lake.File) bool { return dropped[f.Path] })
	}
}
