package frozen

import (
	"context"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// An Entry is what somebody entered: an event, as it was last sent.
type Entry struct {
	Moment
	OffsetS *int   // how many seconds the wall clock was ahead of UTC; nil: not known
	Type    string // insulin, carbs, exercise, notes, …; as in events
	Subtype string
	Value   *float64 // in Unit; nil: no number
	Unit    string
	Note    string // of Notes
}

// Entries are somebody's events of a type, by time, and whether there are more. Those
// that were deleted, or are no longer sent, are none.
func (f *Snapshot) Entries(ctx context.Context, s Stretch, kind string) (all []Entry, more bool, err error) {
	all, err = f.entries(ctx, s, func(e Entry) bool { return e.Type == kind })
	if err != nil {
		return nil, false, err
	}
	return firstOf(all, s, Entry.moment)
}

// Notes are what somebody wrote, with the event that they wrote it into: a note by
// itself, or words in place of a number.
func (f *Snapshot) Notes(ctx context.Context, s Stretch) (all []Entry, more bool, err error) {
	events, err := f.entries(ctx, Stretch{Participant: s.Participant, From: s.From, To: s.To, After: s.After}, func(Entry) bool { return true })
	if err != nil {
		return nil, false, err
	}
	of := make(map[string]Entry, len(events))
	for _, e := range events {
		of[e.Record] = e
	}
	for b, err := range f.stretch(ctx, "event_notes", s, "system_time", "record_id", "note", "vanished_at") {
		if err != nil {
			return nil, false, err
		}
		records, notes, gone := transform.TextOf(columnNamed(b, "record_id")), transform.TextOf(columnNamed(b, "note")), columnNamed(b, "vanished_at")
		for row := range records.Len() {
			e, there := of[records.Value(row)]
			if e.Note = strings.Clone(notes.Value(row)); there && e.Note != "" && gone.IsNull(row) {
				all = append(all, e)
			}
		}
		b.Release()
		if s.enough(len(all)) {
			break
		}
	}
	return firstOf(all, s, Entry.moment)
}

func (e Entry) moment() Moment { return e.Moment }

// entries are present events that are chosen, at least as many as the stretch wants.
func (f *Snapshot) entries(ctx context.Context, s Stretch, chosen func(Entry) bool) (all []Entry, err error) {
	for b, err := range f.stretch(ctx, "events", s, "system_time", "record_id", "utc_offset_min", "event_type", "event_subtype", "value", "unit", "event_status", "vanished_at") {
		if err != nil {
			return nil, err
		}
		times, gone := column[*array.Timestamp](b, "system_time"), columnNamed(b, "vanished_at")
		text := func(name string) transform.TextColumn { return transform.TextOf(columnNamed(b, name)) }
		records, types, subtypes, units, states := text("record_id"), text("event_type"), text("event_subtype"), text("unit"), text("event_status")
		values, offsets := column[*array.Float64](b, "value"), column[*array.Int16](b, "utc_offset_min")
		for row := range times.Len() {
			if gone.IsValid(row) || states.Value(row) == "deleted" {
				continue
			}
			e := Entry{Moment: Moment{instantAt(times, row), strings.Clone(records.Value(row))},
				Type: strings.Clone(types.Value(row)), Subtype: strings.Clone(subtypes.Value(row)), Unit: strings.Clone(units.Value(row))}
			if values.IsValid(row) {
				value := values.Value(row)
				e.Value = &value
			}
			if offsets.IsValid(row) {
				offset := int(offsets.Value(row)) * int(time.Minute/time.Second)
				e.OffsetS = &offset
			}
			if chosen(e) {
				all = append(all, e)
			}
		}
		b.Release()
		if s.enough(len(all)) {
			break
		}
	}
	return all, nil
}
