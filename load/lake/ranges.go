package lake

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// month names the partition of an instant: its UTC month, such as 2026-03.
func month(t time.Time) string { return t.UTC().Format("2006-01") }

// Day names the UTC date of an instant, such as 2026-03-09.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// folderOf returns the folder of a partition's files.
func folderOf(table, partition string) string {
	if partition == "" {
		return path.Join(dataDir, table)
	}
	return path.Join(dataDir, table, "month="+partition)
}

// TimeColumn returns the column whose UTC month names the partition of a row;
// empty for a table without months.
func TimeColumn(t transform.Table) string {
	candidates := map[transform.Partitioning][]string{
		transform.ByMonth:   {"system_time", "time_utc", "day"},
		transform.ByReceipt: {"seen_at", "asked_at"},
	}
	for _, c := range t.Columns {
		if slices.Contains(candidates[t.Partition], c.Name) {
			return c.Name
		}
	}
	return ""
}

// ranges gathers the smallest and largest participant and time of a file's rows.
type ranges struct {
	participant, time int // columns; -1 if the table has none
	from, to          string
	first, last       arrow.Timestamp
	some              bool
}

func rangesOf(t transform.Table) ranges {
	column := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c transform.Column) bool { return c.Name == name })
	}
	return ranges{participant: column("participant_id"), time: column(TimeColumn(t))}
}

func (r *ranges) widen(rows arrow.RecordBatch) {
	for i := range int(rows.NumRows()) {
		if r.participant >= 0 {
			r.widenParticipant(rows.Column(r.participant).(*array.String).Value(i))
		}
		if r.time >= 0 {
			r.widenTime(rows.Column(r.time).(*array.Timestamp).Value(i))
		}
		r.some = true
	}
}

func (r *ranges) widenParticipant(id string) {
	if !r.some || id < r.from {
		r.from = strings.Clone(id)
	}
	if !r.some || id > r.to {
		r.to = strings.Clone(id)
	}
}

func (r *ranges) widenTime(t arrow.Timestamp) {
	if !r.some || t < r.first {
		r.first = t
	}
	if !r.some || t > r.last {
		r.last = t
	}
}

// describe enters the ranges in f, if they lie in its partition and day.
func (r *ranges) describe(f *File) error {
	f.FirstParticipant, f.LastParticipant = r.from, r.to
	if r.time < 0 {
		return nil
	}
	f.FirstTime, f.LastTime = r.first.ToTime(arrow.Microsecond), r.last.ToTime(arrow.Microsecond)
	for _, t := range []time.Time{f.FirstTime, f.LastTime} {
		if m := month(t); m != f.Partition {
			return fmt.Errorf("row at %s in the partition of %s", t.Format(time.RFC3339), f.Partition)
		}
		if d := Day(t); f.Day != "" && d != f.Day {
			return fmt.Errorf("row at %s in the file of %s", t.Format(time.RFC3339), f.Day)
		}
	}
	return nil
}
