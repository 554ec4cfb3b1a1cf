package dexcom

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// What an answer and a record may have, beside the bytes of a body: well above
// anything real, and little enough that no answer keeps others waiting. They are
// counts of the answer itself, so that everybody who reads it, at any time and on
// any machine, comes to the same.
const (
	maxRecords = 200_000 // of an answer; three devices have 130,000 in a month of one a minute
	maxDevices = 1_000   // records of an answer of Devices
	MaxNames   = 1_000   // that are not known, of an envelope or an object in it

	maxRecordBytes  = 256 << 10
	maxRecordDepth  = 32     // objects and lists within each other, the record included
	maxRecordValues = 10_000 // members and elements, at any depth
	MaxNameBytes    = 256    // of a name that is not known

	// Texts of rows are read again whenever their table is merged. These are bytes of
	// what a text says, so escapes in it do not matter.
	MaxTextBytes = 1 << 10  // of a field that is known: ids, enums, units, names; also the digits of a number
	MaxNoteBytes = 64 << 10 // of what a person writes

	// Of all fields of a record that are not known: their names, and their values as
	// sent. A device repeats such a field in each of its settings.
	maxExtraBytes       = 16 << 10
	maxDeviceExtraBytes = 64 << 10
)

// recordsDepth is how many objects and lists are around a record.
const recordsDepth = 2

// maxFaults is how many faults of a record are told: one is enough to reject it.
const maxFaults = 20

// A SizeError is something that there is more of in a body than its limit.
type SizeError struct {
	Limit int64
	What  string // such as records; empty: bytes
}

func (e *SizeError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("more than %d bytes", e.Limit)
	}
	return fmt.Sprintf("more than %d %s", e.Limit, e.What)
}

// maxRecords is how many records an answer of r may have.
func (r Resource) maxRecords() int {
	if r == Devices {
		return maxDevices
	}
	return maxRecords
}

// maxExtra is how many bytes the unknown fields of a record of r may have.
func (r Resource) maxExtra() int {
	if r == Devices {
		return maxDeviceExtraBytes
	}
	return maxExtraBytes
}

// A tally counts what a record has, as it is read.
type tally struct {
	on     bool // a record is in hand
	start  int  // of the record, in the body
	values int
	extra  int  // bytes that its unknown fields may still have
	full   bool // of something it has too much: it is rejected, and the rest of it skipped
}

// fits counts one more member or element of the record in hand, before it is read,
// and reports whether it is to be read at all. Outside of records everything is.
func (r *reader) fits() bool {
	t := &r.tally
	if !t.on {
		return true
	}
	t.values++
	switch {
	case t.full:
	case t.values > maxRecordValues:
		r.overflow(TooMany)
	case r.last-t.start > maxRecordBytes:
		r.overflow(TooLong)
	}
	return !t.full
}

// fitsWithin counts what is within a value of the record in hand that is not known,
// and reports whether it may stay.
func (r *reader) fitsWithin(name, value []byte) bool {
	t := &r.tally
	switch {
	case !t.on:
		return true
	case len(name) > MaxNameBytes:
		r.overflow(LongName)
	case len(value) > maxRecordBytes:
		r.overflow(TooLong)
	case value[0] == '{' || value[0] == '[':
		values, depth := measure(value)
		if t.values += values; t.values > maxRecordValues {
			r.overflow(TooMany)
		} else if r.json.StackDepth()-recordsDepth+depth > maxRecordDepth {
			r.overflow(TooDeep)
		}
	}
	if t.extra -= len(name) + len(value); t.extra < 0 && !t.full {
		t.full = true
		r.fault(name, nil, LongExtra)
	}
	return !t.full
}

// fitsText checks what v, a value of the record in hand, says. The envelope has no
// rows.
func (r *reader) fitsText(name []byte, v jsontext.Value, says []byte, limit int) {
	if r.tally.on && len(says) > limit {
		r.fault(name, v, LongText)
	}
}

func (r *reader) overflow(reason Reason) {
	r.tally.full = true
	r.fault(nil, nil, reason)
}

// measure counts the members and elements in a value, and how deep they lie.
func measure(value []byte) (values, depth int) {
	level := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			level++
			values, depth = values+1, max(depth, level)
		case ',':
			values++
		case '}', ']':
			level--
		}
	}
	return values, depth
}
