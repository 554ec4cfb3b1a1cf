package load

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/load/lake"
)

// cuts say from when on records of participants who have withdrawn are left out.
type cuts map[string]time.Time

func (s Study) cuts() cuts {
	c := make(cuts, len(s.Withdrawals))
	for _, w := range s.Withdrawals {
		c[w.ParticipantID] = w.EffectiveAt
	}
	return c
}

// leaveOut takes the rows from cut on out of the answer: the fold never sees
// them. Of records it is their own time that counts, of devices that of the
// answer, and a reject without a legible time counts from when it was seen.
func (a *answer) leaveOut(mem memory.Allocator, cut time.Time) {
	a.cut = cut
	for name, batch := range a.batch.Tables {
		stays := a.stays(name, batch)
		var picks []pick
		for row := range int(batch.NumRows()) {
			if stays(row) {
				picks = append(picks, pick{0, int32(row)})
			}
		}
		if len(picks) == int(batch.NumRows()) {
			continue
		}
		a.effect = true // on the quarantine: its body is needed
		if name == "rejects" {
			for _, raw := range a.unread() {
				a.raws = append(a.raws, strings.Clone(raw))
			}
		}
		delete(a.batch.Tables, name)
		if len(picks) > 0 {
			a.batch.Tables[name] = gather(mem, shapeNamed(name).schema, []arrow.RecordBatch{batch}, picks)
		}
		batch.Release()
	}
}

// stays returns which rows of a table are from before the cut.
func (a *answer) stays(table string, batch arrow.RecordBatch) func(row int) bool {
	seen := a.AskedAt.Before(a.cut)
	switch t := shapeNamed(table); table {
	case "devices", "alert_settings":
		return func(int) bool { return seen }
	case "rejects":
		raw := t.text(batch, "raw")
		return func(row int) bool {
			if at, ok := recordTime(raw.Value(row)); ok {
				return at.Before(a.cut)
			}
			return seen
		}
	default:
		times, cut := t.times(batch, "system_time"), instant(a.cut)
		return func(row int) bool { return times.Value(row) < cut }
	}
}

// recordTime reads the system time of a record as sent, if it has one.
func recordTime(raw string) (time.Time, bool) {
	var record struct {
		SystemTime string `json:"systemTime"`
	}
	if json.Unmarshal([]byte(raw), &record) != nil {
		return time.Time{}, false
	}
	t, err := dexcom.ParseTime(dexcom.Text(record.SystemTime))
	return t.UTC(), err == nil
}

// covered is the part of the answer's window that counts as asked for.
func (a *answer) covered() (from, to time.Time) {
	from, to = a.WindowStart, a.WindowEnd
	if !a.cut.IsZero() && a.cut.Before(to) {
		to = a.cut
	}
	return from, to
}

// known is what a range of the API's records says of those before the cut:
// nothing if its newest record is not one of them.
func (a *answer) known(r *dexcom.Range) *dexcom.Range {
	if r == nil || !a.cut.IsZero() && !r.End.Before(a.cut) {
		return nil
	}
	return r
}

// withdrawnAnew returns the participants of whom the lake knows another
// withdrawal than the study does, or none.
func (l *Loader) withdrawnAnew(ctx context.Context, study Study, m lake.Manifest) ([]string, error) {
	held := make(map[string]arrow.Timestamp)
	err := eachRow(ctx, l.Lake, m, "withdrawals", func(t shape, b arrow.RecordBatch, row int) {
		held[strings.Clone(t.text(b, "participant_id").Value(row))] = t.times(b, "effective_at").Value(row)
	})
	if err != nil {
		return nil, fmt.Errorf("withdrawals: %w", err)
	}
	var anew []string
	for participant, cut := range study.cuts() {
		if at, ok := held[participant]; !ok || at != instant(cut) {
			anew = append(anew, participant)
		}
		delete(held, participant)
	}
	for participant := range held {
		anew = append(anew, participant)
	}
	slices.Sort(anew)
	return anew, nil
}
