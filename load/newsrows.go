package load

import (
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// newsOfGlucose is news of readings with a value.
func newsOfGlucose() newsOf {
	return newsOf{
		tables:  []string{"glucose"},
		columns: map[string][]string{"glucose": {"participant_id", "time_utc", "local_time", "glucose_mgdl"}},
		samples: func(rows map[string][]piece) map[string]Sample {
			found := make(map[string]Sample)
			for _, p := range rows["glucose"] {
				at, local := stampsIn(p.rows, "time_utc"), stampsIn(p.rows, "local_time")
				value := columnIn[*array.Int16](p.rows, "glucose_mgdl")
				for i := range int(p.rows.NumRows()) {
					if value.IsNull(i) {
						continue
					}
					s := Sample{At: timeOf(at.Value(i)), Value: float64(value.Value(i))}
					if !local.IsNull(i) {
						s.OffsetSec = seconds(time.Duration(local.Value(i)-at.Value(i)) * time.Microsecond)
					}
					s.Key = s.At.Format(time.RFC3339Nano)
					found[s.Key] = s
				}
			}
			return found
		},
	}
}

// NoteType is the Type of a text that a person wrote: a note by itself, or into an event
// whose type is the Subtype.
const NoteType = "notes"

// newsOfEvents is news of what people entered and did not take back: all with a number,
// and what they wrote.
func newsOfEvents() newsOf {
	return newsOf{
		tables: []string{"events", "event_notes"},
		columns: map[string][]string{
			"events":      {"participant_id", "record_id", "system_time", "utc_offset_min", "event_type", "event_subtype", "value", "event_status", "vanished_at"},
			"event_notes": {"participant_id", "record_id", "note", "vanished_at"},
		},
		samples: func(rows map[string][]piece) map[string]Sample {
			notes := notesIn(rows["event_notes"])
			found := make(map[string]Sample)
			for _, p := range rows["events"] {
				eventsIn(p.rows, notes, found)
			}
			return found
		},
	}
}

// notesIn are the texts of notes by record.
func notesIn(rows []piece) map[string]string {
	notes := make(map[string]string)
	for _, p := range rows {
		id, note, vanished := textsIn(p.rows, "record_id"), textsIn(p.rows, "note"), stampsIn(p.rows, "vanished_at")
		for i := range int(p.rows.NumRows()) {
			if vanished.IsNull(i) && !note.IsNull(i) {
				notes[strings.Clone(id.Value(i))] = strings.Clone(note.Value(i))
			}
		}
	}
	return notes
}

func eventsIn(b arrow.RecordBatch, notes map[string]string, to map[string]Sample) {
	id, at, offset := textsIn(b, "record_id"), stampsIn(b, "system_time"), columnIn[*array.Int16](b, "utc_offset_min")
	kind, subtype, status := textsIn(b, "event_type"), textsIn(b, "event_subtype"), textsIn(b, "event_status")
	value, vanished := columnIn[*array.Float64](b, "value"), stampsIn(b, "vanished_at")
	for i := range int(b.NumRows()) {
		if !vanished.IsNull(i) || status.Value(i) == "deleted" {
			continue
		}
		s := Sample{Type: strings.Clone(kind.Value(i)), Key: strings.Clone(id.Value(i)), At: timeOf(at.Value(i)), Subtype: strings.Clone(subtype.Value(i))}
		if !offset.IsNull(i) {
			s.OffsetSec = seconds(time.Duration(offset.Value(i)) * time.Minute)
		}
		if !value.IsNull(i) {
			s.Value = value.Value(i)
			to[s.Key] = s
		}
		if text := notes[s.Key]; text != "" {
			to["note of "+s.Key] = Sample{Type: NoteType, Key: s.Key, At: s.At, OffsetSec: s.OffsetSec, Text: text, Subtype: s.Type}
		}
	}
}

func seconds(d time.Duration) *int {
	n := int(d / time.Second)
	return &n
}

func columnIn[T arrow.Array](b arrow.RecordBatch, name string) T {
	return b.Column(b.Schema().FieldIndices(name)[0]).(T)
}

func stampsIn(b arrow.RecordBatch, name string) *array.Timestamp {
	return columnIn[*array.Timestamp](b, name)
}

func textsIn(b arrow.RecordBatch, name string) transform.TextColumn {
	return transform.TextOf(b.Column(b.Schema().FieldIndices(name)[0]))
}
