package dexcom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// An Envelope is what stands around the records of an answer.
type Envelope struct {
	RecordType Text // such as egv or egvs
	Version    Text // recordVersion, such as 3.0
	UserID     Text // Dexcom's, stable per account and app, empty if it was not sent: never log it
	Records    int  // elements of records, whatever they are
	Extras
}

// A page reads one answer: the envelope itself, and its records or ranges by
// what stands in record or ranges.
type page struct {
	*Envelope
	want   Resource
	record func(*reader) bool // reads one record; false stops
	ranges *wireRanges        // dataRange only
	listed bool               // records was there
}

func (p *page) fields() fields { return p.want.response().fields(p) }

func (p *page) records(r *reader, name []byte) {
	if p.listed {
		r.fault(name, nil, SentTwice)
	}
	p.listed = r.array(name, func() {
		if p.Records == 0 {
			r.recordsFrom = r.last
		}
		if p.Records == p.want.maxRecords() {
			r.stop(&SizeError{int64(p.Records), "records"})
			return
		}
		p.Records++
		if !p.record(r) {
			r.stop(errStop)
		}
		r.recordsTo = r.last
	})
}

var (
	errStop  = errors.New("stop") // ends reading at the wish of who reads the records
	errNames = fmt.Errorf("more than %d unknown names, or one longer than %d bytes", MaxNames, MaxNameBytes)
)

// read reads the body of r as p says and fills p's envelope on the way: it is complete
// when read returns nil. Errors are *BodyError, or errStop.
func (p *page) read(r *reader) error {
	*p.Envelope = Envelope{}
	if len(r.plain) > DefaultMaxBody {
		return &BodyError{Path: p.want.path(), Reason: "cannot be taken", Err: &SizeError{Limit: DefaultMaxBody}}
	}
	var faults []FieldError
	r.faults = &faults
	r.object([]byte("body"), p)
	if r.err == nil {
		r.end()
	}
	wrong := func(reason string, err error) error {
		return &BodyError{Path: p.want.path(), Reason: reason, Err: err}
	}
	switch {
	case r.err == errStop:
		return errStop
	case r.err == errNames:
		return wrong("has the wrong envelope", r.err)
	case errors.As(r.err, new(*SizeError)):
		return wrong("cannot be taken", r.err)
	case errors.Is(r.err, io.ErrUnexpectedEOF):
		return wrong("is cut off", r.err)
	case r.err != nil:
		if bytes.HasPrefix(bytes.TrimLeft(r.plain, " \t\r\n"), []byte("<")) {
			return wrong("is HTML, not JSON", nil)
		}
		return wrong("is not JSON", r.err)
	case len(faults) > 0:
		return wrong("has the wrong envelope", faults[0])
	case !p.want.names(p.RecordType.String()):
		return wrong(fmt.Sprintf("has the wrong envelope: recordType %.40q", p.RecordType), nil)
	case len(p.Version) == 0:
		return wrong("has the wrong envelope: no recordVersion", nil)
	case p.ranges == nil && !p.listed:
		return wrong("has the wrong envelope: no records", nil)
	}
	return nil
}

// check reads a plain answer of resource want for its envelope alone.
func check(ctx context.Context, plain []byte, want Resource) (Envelope, error) {
	var e Envelope
	if want == DataRange {
		_, err := parseRanges(plain, &e)
		return e, err
	}
	p := page{Envelope: &e, want: want, record: func(r *reader) bool { r.value(); return ctx.Err() == nil }}
	err := p.read(newReader(plain))
	if err == errStop {
		err = ctx.Err()
	}
	return e, err
}
