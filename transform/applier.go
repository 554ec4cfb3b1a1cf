package transform

import (
	"cmp"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An applier is one answer on its way to rows.
type applier struct {
	answer Answer
	mem    memory.Allocator
	tables []*table

	// What is the same in every row.
	participant, connection, request []byte
	asked                            time.Time
	latest                           time.Time // system times after it are implausible

	extra    extra  // of the record in hand
	noted    []bool // see Batch
	rejected rejected
	records  int
	user     string          // see Batch
	warnings map[Warning]int // by Field and Value
	unnamed  int             // see Batch
}

func newApplier(mem memory.Allocator, a Answer) *applier {
	server := a.ServerDate
	if server.IsZero() {
		server = a.AskedAt
	}
	w := &applier{
		answer:      a,
		mem:         mem,
		participant: []byte(a.ParticipantID),
		connection:  []byte(a.ConnectionID),
		request:     []byte(a.RequestID),
		asked:       a.AskedAt,
		latest:      server.Add(24 * time.Hour),
		warnings:    map[Warning]int{},
	}
	w.rejected.table = w.table("rejects", 0)
	return w
}

func (w *applier) release() {
	for _, t := range w.tables {
		t.release()
	}
}

// shown is what is told of a name or a value that a server made up.
func shown(text string) string {
	const most = 4 * dexcom.WordsLen // bytes; a long text is not looked at whole
	return dexcom.Shorten(dexcom.Printable(text[:min(len(text), most)]))
}

// warn counts something nobody has seen before.
func (w *applier) warn(field, value string) {
	key := Warning{Field: shown(field), Value: shown(value)}
	if _, known := w.warnings[key]; !known && len(w.warnings) == MaxWarnings {
		w.unnamed++
		return
	}
	w.warnings[key]++
}

// batch takes the rows out of w.
func (w *applier) batch() Batch {
	b := Batch{Tables: map[string]arrow.RecordBatch{}, Noted: w.noted, Records: w.records, Rejected: w.rejected.rows, Unread: w.rejected.texts.sorted(), UserID: w.user,
		Unnamed: w.unnamed, RejectedAt: w.rejected.times}
	for _, t := range w.tables {
		if rows := t.batch(); rows != nil {
			b.Tables[t.name] = rows
		}
	}
	for warning, count := range w.warnings {
		warning.Count = count
		b.Warnings = append(b.Warnings, warning)
	}
	slices.SortFunc(b.Warnings, func(x, y Warning) int {
		return cmp.Or(cmp.Compare(x.Field, y.Field), cmp.Compare(x.Value, y.Value))
	})
	return b
}

// unknown puts the members that package dexcom does not know into extra, their
// names behind prefix.
func (w *applier) unknown(prefix string, members []dexcom.Member) {
	for _, m := range members {
		name := prefix + m.Name.String()
		w.warn(name, "")
		if m.Value.Kind() != 'n' {
			w.extra.member(name, canonical(m.Value, verbatim))
		}
	}
}

// enum returns the column of v, a value of the enum e: its canonical spelling,
// or v itself if nobody has seen it before. Null, absent and empty are nil.
func (w *applier) enum(e *enum, v dexcom.Text) []byte {
	switch spelling, ok := e.canonical(v); {
	case len(v) == 0:
		w.extra.sentEmpty(e.field, v)
		return nil
	case !ok:
		w.warn(e.field, v.String())
		return v
	case spelling == nil:
		return v
	default:
		w.extra.sent(e.field, v)
		return spelling
	}
}

// unit keeps the unit of a value whose column is in mg/dL, unless that is what
// it says.
func (w *applier) unit(e *enum, v dexcom.Text, column string) {
	if v == nil || string(v) == column {
		return
	}
	if _, ok := e.canonical(v); !ok && len(v) > 0 {
		w.warn(e.field, v.String())
	}
	w.extra.member(e.field, appendQuoted(nil, v))
}
