package transform

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An Answer is what transform needs to know of one entry of the raw log.
type Answer struct {
	RequestID, ParticipantID, ConnectionID string
	Resource                               dexcom.Resource
	AskedAt                                time.Time // becomes first_seen_at, valid_from, seen_at
	ServerDate                             time.Time // system times more than a day ahead of it are rejects; zero: AskedAt stands in
	Body                                   []byte    // plain JSON
}

// A Batch is an answer as rows: per table, in wire order, duplicates of a key
// within the answer included. Release it.
type Batch struct {
	Tables   map[string]arrow.RecordBatch // only tables with at least one row; "rejects" among them
	Noted    []bool                       // of each row of events, whether it has a row of event_notes; these are in the same order
	Records  int                          // records in the answer
	Rejected int                          // of them, rejected
	Unread   Texts                        // what may be the id of a rejected record: every text in one
	UserID   string                       // Dexcom's, empty if the answer does not say: never log it
	Warnings []Warning                    // what nobody has seen before, sorted; MaxWarnings at most
	Unnamed  int                          // how often something else was sent that nobody has seen before

	// RejectedAt are the system times of the rows of rejects, in their order; zero
	// where a record has none that can be read.
	RejectedAt []time.Time
}

// MaxWarnings is how many different fields and values of an answer are named: the
// first ones.
const MaxWarnings = 100

// A Warning counts one unknown enum value or field of an answer, or its records
// without an id. Its texts are fit to be shown: printable and not long.
type Warning struct {
	Field, Value string // Value empty for an unknown field, MissingID for recordId
	Count        int
}

// MissingID is the Value of the Warning that counts records without recordId,
// which got one made of their content.
const MissingID = "(missing)"

// Release frees the rows of b.
func (b Batch) Release() {
	for _, r := range b.Tables {
		r.Release()
	}
}

// Apply turns a into rows. An error means that the answer as a whole cannot
// be applied, or is that of ctx, which is asked at every record; a bad record is a
// row of rejects instead. A dataRange answer is checked and has no rows.
func Apply(ctx context.Context, mem memory.Allocator, a Answer) (Batch, error) {
	w := newApplier(mem, a)
	defer w.release()
	var err error
	switch a.Resource {
	case dexcom.EGVs:
		err = each(ctx, w, w.egvs())
	case dexcom.Events:
		err = each(ctx, w, w.events())
	case dexcom.Calibrations:
		err = each(ctx, w, w.calibrations())
	case dexcom.Alerts:
		err = each(ctx, w, w.alerts())
	case dexcom.Devices:
		err = each(ctx, w, w.devices())
	case dexcom.DataRange:
		var ranges dexcom.Ranges
		ranges, err = dexcom.ParseRanges(a.Body)
		w.user = ranges.UserID
	default:
		err = fmt.Errorf("resource %q is not one of Dexcom's", a.Resource)
	}
	if err != nil {
		return Batch{}, err
	}
	return w.batch(), nil
}

// each adds every record of the answer with add, or to the rejects.
func each[R dexcom.Record, P dexcom.Pointer[R]](ctx context.Context, w *applier, add func(*R) *reject) error {
	var envelope dexcom.Envelope
	for record, err := range dexcom.Records[R, P](w.answer.Body, &envelope) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		w.records++
		wire := P(record).Wire()
		w.extra.reset()
		bad := firstFault(wire)
		if bad == nil {
			bad = add(record)
		}
		if bad != nil {
			w.reject(*bad, wire.Raw)
		}
	}
	w.user = envelope.UserID.String()
	for _, m := range envelope.Extra {
		w.warn(m.Name.String(), "")
	}
	return nil
}
