package lake

import (
	"fmt"
	"path"
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

// ranges gathers the smallest and largest participant and time of a file's rows.
type ranges struct {
	participant, time int // columns; -1 if the table has none
	from, to          string
	first, last       arrow.Timestamp
	some              bool
}

func rangesOf(t transform.Table) ranges {
	schema := t.Schema()
	return ranges{participant: placeOf(schema, "participant_id"), time: placeOf(schema, t.Time)}
}

func (r *ranges) widen(rows arrow.RecordBatch) {
	for i := range int(rows.NumRows()) {
		if r.participant >= 0 {
			id := transform.TextAt(rows.Column(r.participant), i)
			if !r.some || id < r.from {
				r.from = strings.Clone(id)
			}
			if !r.some || id > r.to {
				r.to = strings.Clone(id)
			}
		}
		if r.time >= 0 {
			at := rows.Column(r.time).(*array.Timestamp).Value(i)
			if !r.some {
				r.first, r.last = at, at
			}
			r.first, r.last = min(r.first, at), max(r.last, at)
		}
		r.some = true
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
