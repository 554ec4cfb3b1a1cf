package vital

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
)

// pageSamples is how many samples a page has at most: a day of readings each minute, of
// 25 hours, is one page.
const pageSamples = 1500

// Timeseries are the routes of a person's samples: glucose, and what they entered.
type Timeseries struct {
	API    *api.API
	Reader *frozen.Reader
}

// Register adds them.
func (t Timeseries) Register() {
	t.registerGlucose()
	glucose := api.Needs{Scope: access.Read, Glucose: true}
	notes := glucose
	notes.Notes = true
	registerGrouped(t, "glucose", "readings with a value, by time", glucose, readings)
	registerGrouped(t, "insulin_injection", "doses of insulin that were entered", glucose, entered("insulin", insulinOf))
	registerGrouped(t, "carbohydrates", "meals that were entered", glucose, entered("carbs", carbsOf))
	registerGrouped(t, "workout_duration", "exercise that was entered, where it says how long", glucose, entered("exercise", workoutOf))
	registerGrouped(t, "note", "what was written; the key must have the right to read notes", notes, noted)
}

// groupedInput is a request for a page of samples.
type groupedInput struct {
	UserID     uuid.UUID `path:"user_id" format:"uuid"`
	StartDate  string    `query:"start_date" required:"true" doc:"Date or ISO date-time, inclusive; a date means 00:00:00 UTC"`
	EndDate    string    `query:"end_date" doc:"Date or ISO date-time, inclusive; a date means all of that day, UTC; absent: no end"`
	Provider   string    `query:"provider" doc:"Only of this provider; dexcom_v3 is all there is"`
	Cursor     string    `query:"cursor" doc:"As next_cursor"`
	NextCursor string    `query:"next_cursor" doc:"next_cursor of the page before; pages of one sequence show one snapshot"`
	Unit       string    `query:"unit" enum:"mmol/L,mg/dL" default:"mmol/L" doc:"Of glucose"`
}

// A Page is a page of samples, grouped by provider and source.
type Page[S any] struct {
	Groups     map[string][]Group[S] `json:"groups" doc:"By provider; empty without samples"`
	Next       *string               `json:"next" doc:"As next_cursor"`
	NextCursor *string               `json:"next_cursor" doc:"For the next page; null: this is the last one"`
}

// A Group is samples of one source.
type Group[S any] struct {
	Source SampleSource `json:"source"`
	Data   []S          `json:"data"`
}

type pageOutput[S any] struct {
	Snapshot string `header:"X-Snapshot" doc:"Number of the snapshot; absent where nothing was loaded yet"`
	Body     Page[S]
}

// A find reads samples of a stretch of somebody's time, and says where the last one is
// and whether there are more.
type find[S any] func(ctx context.Context, f *frozen.Snapshot, s frozen.Stretch, unit string) (samples []S, last frozen.Moment, more bool, err error)

// registerGrouped adds the route of a kind of samples.
func registerGrouped[S any](t Timeseries, kind, what string, needs api.Needs, find find[S]) {
	op := huma.Operation{
		OperationID: "timeseries_" + kind + "_grouped", Method: http.MethodGet, Path: "/v2/timeseries/{user_id}/" + kind + "/grouped",
		Summary: "A page of a person's " + kind + ": " + what, Tags: []string{"timeseries"},
		Errors: []int{http.StatusGone},
	}
	api.Register(t.API, op, needs, func(ctx context.Context, in *groupedInput) (*pageOutput[S], error) {
		who, err := t.API.Person(ctx, in.UserID)
		if err != nil {
			return nil, err
		}
		q, err := in.read(kind)
		if err != nil {
			return nil, err
		}
		q.stretch.Participant, q.stretch.Limit = who.ID, pageSamples
		out := &pageOutput[S]{Body: Page[S]{Groups: map[string][]Group[S]{}}}
		snapshot, err := t.snapshot(q.snapshot)
		if snapshot == nil || err != nil {
			return out, err
		}
		out.Snapshot = snapshot.Name()
		if !q.ours {
			return out, nil
		}
		samples, last, more, err := find(ctx, snapshot, q.stretch, in.Unit)
		if err := cmp.Or(err, shown(ctx, snapshot, who.ID)); err != nil {
			return nil, err
		}
		if len(samples) > 0 {
			out.Body.Groups[providerSlug] = []Group[S]{{sourceOf(kind), samples}}
		}
		if more {
			next := q.next(snapshot, last)
			out.Body.Next, out.Body.NextCursor = &next, &next
		}
		return out, nil
	})
}

// snapshot is the one of a name, "" for the newest; nil where nothing was loaded yet.
func (t Timeseries) snapshot(name string) (*frozen.Snapshot, error) {
	f, err := t.Reader.Snapshot(name)
	if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		return nil, nil
	}
	_, gone := errors.AsType[*frozen.GoneError](err)
	_, none := errors.AsType[*study.NoSnapshotError](err)
	if gone || none {
		return nil, api.Refusal(http.StatusGone, "the data that this cursor is of are no longer shown: begin again without a cursor")
	}
	return f, err
}

// shown refuses what was read of somebody in a snapshot from before their withdrawal. It is
// asked after reading: else what is recorded meanwhile would be too late.
func shown(ctx context.Context, f *frozen.Snapshot, participant string) error {
	overtaken, err := f.Overtaken(ctx)
	if slices.Contains(overtaken, participant) {
		return api.Withdrawing()
	}
	return err
}
