package vital

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study/frozen"
)

// listSamples is how many readings of a list are in memory at a time.
const listSamples = 20_000

type glucoseInput struct {
	UserID    uuid.UUID `path:"user_id" format:"uuid"`
	StartDate string    `query:"start_date" required:"true" doc:"Date or ISO date-time, inclusive; a date means 00:00:00 UTC"`
	EndDate   string    `query:"end_date" doc:"Date or ISO date-time, inclusive; a date means all of that day, UTC; absent: no end"`
	Provider  string    `query:"provider" doc:"Only of this provider; dexcom_v3 is all there is"`
	Unit      string    `query:"unit" enum:"mmol/L,mg/dL" default:"mmol/L"`
}

// registerGlucose adds the list of readings, which is not paged: it is written while it is
// read.
func (t Timeseries) registerGlucose() {
	list := t.API.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[[]Glucose](), true, "")
	op := huma.Operation{
		OperationID: "timeseries_glucose", Method: http.MethodGet, Path: "/v2/timeseries/{user_id}/glucose",
		Summary: "All of a person's readings with a value, by time", Tags: []string{"timeseries"},
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: list}},
			Headers: map[string]*huma.Param{api.SnapshotHeader: api.SnapshotParam()}}},
	}
	api.Register(t.API, op, api.Needs{Scope: access.Read, Glucose: true}, t.glucose)
}

func (t Timeseries) glucose(ctx context.Context, in *glucoseInput) (*huma.StreamResponse, error) {
	who, err := t.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	s := frozen.Stretch{Participant: who.ID, Limit: listSamples}
	if s.From, s.To, err = interval(in.StartDate, in.EndDate); err != nil {
		return nil, err
	}
	snapshot, err := t.snapshot("")
	if err != nil {
		return nil, err
	}
	list := glucoseList{ctx: ctx, snapshot: snapshot, stretch: s, unit: in.Unit}
	if snapshot != nil && (in.Provider == "" || in.Provider == providerSlug) {
		if err := list.read(); err != nil {
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: list.write}, nil
}

// A glucoseList is one answer: the samples in hand, and how to go on.
type glucoseList struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the request
	snapshot *frozen.Snapshot
	stretch  frozen.Stretch
	unit     string
	samples  []Glucose
	more     bool
}

func (l *glucoseList) read() (err error) {
	l.samples, l.stretch.After, l.more, err = readings(l.ctx, l.snapshot, l.stretch, l.unit)
	return cmp.Or(err, shown(l.ctx, l.snapshot, l.stretch.Participant))
}

// write writes a list piece by piece. If it breaks, so does the connection: half a list
// must not look whole.
func (l *glucoseList) write(to huma.Context) {
	to.SetHeader("Content-Type", "application/json")
	if l.snapshot != nil {
		to.SetHeader(api.SnapshotHeader, l.snapshot.Name())
	}
	if err := l.writeTo(bufio.NewWriterSize(to.BodyWriter(), 64<<10)); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (l *glucoseList) writeTo(w *bufio.Writer) error {
	before := byte('[')
	for {
		for _, s := range l.samples {
			text, err := json.Marshal(s)
			if err != nil {
				return err
			}
			w.WriteByte(before) // Flush says whether it could be written
			w.Write(text)
			before = ','
		}
		if !l.more {
			break
		}
		if err := l.read(); err != nil {
			return err
		}
	}
	if before == '[' {
		w.WriteByte(before)
	}
	w.WriteByte(']')
	return w.Flush()
}
