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
	maxFiles int   // files of a range that are not full and that nothing changes in, at most: neighbours are joined
	maxNew   int   // files that are not full beyond these, at most: they changed in the last commit
	minGroup int64 // rows of a part that is copied, not written anew, when files are joined
	hotDays  int   // how far the border stays behind the newest server date
}

// defaultLayout makes closed files of about 128 MB at 22 B per row.
var defaultLayout = layout{maxRows: 5_500_000, maxFiles: 4, maxNew: 2, minGroup: 8192, hotDays: 10}

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
	var aged []lake.File
	files := make(map[string][]lake.File) // by day; "": before the border
	for _, f := range r.step.commit.Files() {
		switch {
		case f.Table != r.table.Name || f.Partition != r.part || f.Damaged != "":
		case f.Day == "" || r.isHot(f.Day):
			files[f.Day] = append(files[f.Day], f)
		default:
			aged = append(aged, f)
		}
	}
	rows, sliced := r.spread()
	if len(aged) > 0 {
		units = r.agedUnits(append(files[""], aged...), rows[""])
		delete(files, "")
		delete(rows, "")
	}
	days := slices.AppendSeq(slices.Collect(maps.Keys(files)), maps.Keys(rows))
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		of := r.unitsOf(day, files[day], rows[day])
		r.markDrops(of)
		units = append(units, r.join(of)...)
	}
	return units, func() { releaseAll(sliced) }
}

func (r *rewrite) isHot(day string) bool { return !r.border.IsZero() && day >= lake.Day(r.border) }

// spread divides the rows that come by day and participant, and returns everything it
// sliced. Those before the border, and all where there is none, are of day "".
func (r *rewrite) spread() (rows map[string]map[string]arrow.RecordBatch, sliced []arrow.RecordBatch) {
	rows = make(map[string]map[string]arrow.RecordBatch)
	for _, c := range r.changes {
		if c.adds == nil || c.adds.NumRows() == 0 {
			continue
		}
		if r.border.IsZero() {
			within(rows, "")[c.participant] = c.adds
			continue
		}
		times := r.table.times(c.adds, r.table.Time)
		for from, limit := 0, r.border; from < times.Len(); {
			to := from + sort.Search(times.Len()-from, func(i int) bool { return times.Value(from+i) >= instant(limit) })
			if to > from {
				part := c.adds.NewSlice(int64(from), int64(to))
				sliced = append(sliced, part)
				day := ""
				if first := time.UnixMicro(int64(times.Value(from))); !first.Before(r.border) {
					day = lake.Day(first)
				}
				within(rows, day)[c.participant] = part
				from = to
			}
			if from < times.Len() {
				limit = time.UnixMicro(int64(times.Value(from))).UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
			}
		}
	}
	return rows, sliced
}

// agedUnits makes one unit of files among which are those of days that the border has
// passed.
func (r *rewrite) agedUnits(files []lake.File, rows map[string]arrow.RecordBatch) []*unit {
	all := &unit{files: files, dirty: true}
	for _, p := range slices.Sorted(maps.Keys(rows)) {
		all.add(p, rows[p])
	}
	return []*unit{all}
}

// unitsOf makes units of disjoint ranges of participants: one per file, one per stretch
// of participants between two files.
func (r *rewrite) unitsOf(day string, files []lake.File, rows map[string]arrow.RecordBatch) []*unit {
	slices.SortFunc(files, func(a, b lake.File) int { return cmp.Compare(a.FirstParticipant, b.FirstParticipant) })
	var units []*unit
	next := 0 // file not yet in units
	var gap *unit
	for _, p := range slices.Sorted(maps.Keys(rows)) {
		for next < len(files) && files[next].FirstParticipant <= p {
			units = append(units, &unit{day: day, files: files[next : next+1]})
			next, gap = next+1, nil
		}
		switch {
		case next > 0 && p <= files[next-1].LastParticipant:
			units[len(units)-1].add(p, rows[p])
		case gap != nil:
			gap.add(p, rows[p])
		default:
			gap = &unit{day: day}
			gap.add(p, rows[p])
			units = append(units, gap)
		}
	}
	for ; next < len(files); next++ {
		units = append(units, &unit{day: day, files: files[next : next+1]})
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
