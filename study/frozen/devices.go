package frozen

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// A Device is what a participant's readings came by, as Dexcom last told it.
type Device struct {
	Generation string // of the transmitter, such as g7
	Display    string // what shows the readings, such as iOS
	App        string // of that; ""
}

// Devices are a participant's at the time of the snapshot, in the order in which they were
// first seen.
func (f *Snapshot) Devices(ctx context.Context, id string) ([]Device, error) {
	since := make(map[Device]time.Time)
	t, _ := transform.TableNamed("devices")
	columns := []string{"transmitter_generation", "display_device", "display_app", "first_seen_at", "valid_to"}
	for b, err := range f.Rows(ctx, Rows{Table: t, Columns: columns, Participants: []string{id}}) {
		if err != nil {
			return nil, err
		}
		seen, ended := column[*array.Timestamp](b, "first_seen_at"), columnNamed(b, "valid_to")
		for row := range seen.Len() {
			if ended.IsValid(row) {
				continue
			}
			d := Device{textIn(b, columns[0], row), textIn(b, columns[1], row), textIn(b, columns[2], row)}
			at := instantAt(seen, row)
			if first, known := since[d]; !known || at.Before(first) {
				since[d] = at
			}
		}
		b.Release()
	}
	var all []Device
	for d := range since {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Device) int {
		return cmp.Or(since[a].Compare(since[b]), cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Display, b.Display), cmp.Compare(a.App, b.App))
	})
	return all, nil
}

// textIn is a value of a column of text, of a null "".
func textIn(b Piece, column string, row int) string {
	if c := columnNamed(b, column); c.IsValid(row) {
		return strings.Clone(transform.TextAt(c, row)) // the batch goes
	}
	return ""
}
