package dexcom

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Meta is how reading a record went.
type Meta struct {
	Raw    jsontext.Value // the whole record as sent
	Faults []FieldError   // what could not be read; the other fields are good
	Extras                // members this package does not know
}

// Wire returns m: through it, code that is generic over records reaches their
// Meta.
func (m *Meta) Wire() *Meta { return m }

// A Record is one of the five kinds of record.
type Record interface {
	EGV | Event | Calibration | Alert | Device
}

// A Pointer is the pointer to a Record R.
type Pointer[R Record] interface {
	*R
	object
	Wire() *Meta
	resource() Resource
}

// Records yields the records of a plain answer in wire order; R says of which
// resource. The record is valid until the next one; what its fields point to is
// valid as long as plain. The envelope is filled on the way and complete when
// the loop has ended by itself. An error is a *BodyError and the last thing
// yielded; records seen before it are not to be relied on.
func Records[R Record, P Pointer[R]](plain []byte, envelope *Envelope) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) { recordsOf[R, P](newReader(plain), envelope, yield) }
}

// recordsOf is Records of the body that r reads.
func recordsOf[R Record, P Pointer[R]](r *reader, envelope *Envelope, yield func(*R, error) bool) {
	var one R
	into := P(&one)
	known := newLayout(into.fields())
	p := page{Envelope: envelope, want: into.resource(), record: func(r *reader) bool {
		faults, extra := into.Wire().Faults[:0], into.Wire().Extra[:0]
		one = *new(R)
		into.Wire().Faults, into.Wire().Extra = faults, extra
		r.record(into.resource(), known, into.Wire())
		return r.err != nil || yield(&one, nil)
	}}
	if err := p.read(r); err != nil && err != errStop {
		yield(nil, err)
	}
}

// record reads the next value into the fields that are known, of the record of
// resource that m belongs to.
func (r *reader) record(resource Resource, known *layout, m *Meta) {
	outside := r.faults
	defer func() { r.faults, r.tally = outside, tally{} }()
	r.faults = &m.Faults
	if r.peek() != '{' {
		m.Raw = r.value()
		r.fault(nil, m.Raw, NotObject)
		return
	}
	r.token()
	start := r.last - 1
	r.tally = tally{on: true, start: start, extra: resource.maxExtra()}
	r.members(known, &m.Extras)
	end := r.last
	if end-start > maxRecordBytes && !r.tally.full {
		r.overflow(TooLong)
	}
	m.Raw = jsontext.Value(r.plain[start:end:end])
}

// A Header is what all records but devices begin with.
type Header struct {
	ID               Text // recordId
	SystemTime       Time // UTC by the device's clock
	DisplayTime      Time // what the device showed
	TransmitterTicks Number
	Origin
	Meta
}

// An Origin says which devices a record comes from.
type Origin struct {
	TransmitterID                Text // hashed by Dexcom; may be empty
	TransmitterGeneration        Text
	TransmitterGenerationVariant Text
	DisplayDevice                Text
	DisplayApp                   Text
}

// An EGV is an estimated glucose value.
type EGV struct {
	Header
	Value     Number // in Unit
	Status    Text
	Trend     Text
	TrendRate Number // in RateUnit
	Unit      Text
	RateUnit  Text
}

func (*EGV) resource() Resource { return EGVs }

func (e *EGV) fields() fields { return egvRecord.fields(e) }

// An Event is something the person entered.
type Event struct {
	Header
	Type                Text
	SubType             Text
	Value               Text // a number as text, or a note
	Unit                Text
	Status              Text
	RecordedSystemTime  Time
	RecordedDisplayTime Time
}

func (*Event) resource() Resource { return Events }

func (e *Event) fields() fields { return eventRecord.fields(e) }

// A Calibration is a fingerstick value entered to calibrate a sensor.
type Calibration struct {
	Header
	Value Number // in Unit
	Unit  Text
}

func (*Calibration) resource() Resource { return Calibrations }

func (c *Calibration) fields() fields { return calibrationRecord.fields(c) }

// An Alert is one change of an alert's state.
type Alert struct {
	Header
	Name  Text
	State Text
}

func (*Alert) resource() Resource { return Alerts }

func (a *Alert) fields() fields { return alertRecord.fields(a) }
