package vital

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

// providerSlug is what Vital calls Dexcom's API of this version.
const providerSlug = "dexcom_v3"

const mgdL = "mg/dL"

// A SampleSource is where samples come from.
type SampleSource struct {
	Provider string  `json:"provider"`
	Type     string  `json:"type" doc:"automatic: measured; app: entered by the person"`
	AppID    *string `json:"app_id"`
	DeviceID *string `json:"device_id"`
}

func sourceOf(kind string) SampleSource {
	if kind == "glucose" {
		return SampleSource{Provider: providerSlug, Type: "automatic"}
	}
	return SampleSource{Provider: providerSlug, Type: "app"}
}

// A Glucose is a sample of glucose.
type Glucose struct {
	Timestamp      string  `json:"timestamp" format:"date-time" doc:"UTC"`
	TimezoneOffset *int    `json:"timezone_offset" doc:"Seconds that the wall clock was ahead of UTC; null: not known"`
	Type           *string `json:"type" doc:"Always null"`
	Unit           string  `json:"unit" enum:"mmol/L,mg/dL"`
	Value          float64 `json:"value" doc:"39 mg/dL and less than it stand for below 40, 401 for above 400"`
}

// An EntrySample is what all samples of entries have.
type EntrySample struct {
	Timestamp      string `json:"timestamp" format:"date-time" doc:"As start"`
	Start          string `json:"start" format:"date-time" doc:"UTC, inclusive"`
	End            string `json:"end" format:"date-time" doc:"UTC, exclusive; as start for what has no duration"`
	TimezoneOffset *int   `json:"timezone_offset" doc:"Seconds that the wall clock was ahead of UTC; null: not known"`
}

// An Insulin is a dose of insulin.
type Insulin struct {
	EntrySample
	Type  string  `json:"type" doc:"rapid_acting, long_acting, or unknown"`
	Unit  string  `json:"unit" enum:"unit"`
	Value float64 `json:"value"`
}

// Carbohydrates are of one meal.
type Carbohydrates struct {
	EntrySample
	Type  *string `json:"type" doc:"Always null"`
	Unit  string  `json:"unit" enum:"grams"`
	Value float64 `json:"value"`
}

// A Workout is exercise of some duration.
type Workout struct {
	EntrySample
	Type      *string `json:"type" doc:"Always null"`
	Unit      string  `json:"unit" enum:"min"`
	Value     float64 `json:"value"`
	Intensity *string `json:"intensity" enum:"low,medium,high" doc:"null: not told"`
}

// A Note is what somebody wrote.
type Note struct {
	EntrySample
	Type  *string  `json:"type" doc:"Always null"`
	Unit  string   `json:"unit" doc:"Always empty"`
	Value string   `json:"value"`
	Tags  []string `json:"tags" enum:"food,exercise,insulin_injection,unspecified" doc:"What it was written into"`
}

// utc is an instant as Vital writes it.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999-07:00") }

func glucoseOf(r frozen.Reading, unit string) Glucose {
	g := Glucose{Timestamp: utc(r.Time), TimezoneOffset: r.OffsetS, Unit: "mmol/L", Value: transform.MmolL(r.MgdL)}
	if unit == mgdL {
		g.Unit, g.Value = mgdL, float64(r.MgdL)
	}
	return g
}

func readings(ctx context.Context, f *frozen.Snapshot, s frozen.Stretch, unit string) (samples []Glucose, last frozen.Moment, more bool, err error) {
	all, more, err := f.Readings(ctx, s)
	samples = make([]Glucose, len(all))
	for i, r := range all {
		samples[i], last = glucoseOf(r, unit), r.Moment
	}
	return samples, last, more, err
}

// entered finds events of a type. Those of which one makes no sample have no number.
func entered[S any](kind string, one func(frozen.Entry) (S, bool)) find[S] {
	return func(ctx context.Context, f *frozen.Snapshot, s frozen.Stretch, _ string) (samples []S, last frozen.Moment, more bool, err error) {
		all, more, err := f.Entries(ctx, s, kind)
		for _, e := range all {
			if sample, ok := one(e); ok {
				samples = append(samples, sample)
			}
			last = e.Moment
		}
		return samples, last, more, err
	}
}

func noted(ctx context.Context, f *frozen.Snapshot, s frozen.Stretch, _ string) (samples []Note, last frozen.Moment, more bool, err error) {
	all, more, err := f.Notes(ctx, s)
	samples = make([]Note, len(all))
	for i, e := range all {
		samples[i], last = noteOf(e), e.Moment
	}
	return samples, last, more, err
}

func lasting(e frozen.Entry, minutes float64) EntrySample {
	end := e.Time.Add(time.Duration(minutes * float64(time.Minute)))
	return EntrySample{Timestamp: utc(e.Time), Start: utc(e.Time), End: utc(end), TimezoneOffset: e.OffsetS}
}

func insulinOf(e frozen.Entry) (Insulin, bool) {
	if e.Value == nil {
		return Insulin{}, false
	}
	kind := map[string]string{"fastActing": "rapid_acting", "longActing": "long_acting"}[e.Subtype]
	if kind == "" {
		kind = "unknown"
	}
	return Insulin{EntrySample: lasting(e, 0), Type: kind, Unit: "unit", Value: *e.Value}, true
}

func carbsOf(e frozen.Entry) (Carbohydrates, bool) {
	if e.Value == nil {
		return Carbohydrates{}, false
	}
	return Carbohydrates{EntrySample: lasting(e, 0), Unit: "grams", Value: *e.Value}, true
}

// maxMinutes is how long exercise may be for its end to be told; a year.
const maxMinutes = 366 * 24 * 60

// workoutOf is exercise that has a duration: -1 stands for none.
func workoutOf(e frozen.Entry) (Workout, bool) {
	if e.Value == nil || *e.Value < 0 || *e.Value > maxMinutes {
		return Workout{}, false
	}
	w := Workout{EntrySample: lasting(e, *e.Value), Unit: "min", Value: *e.Value}
	if intensity := map[string]string{"light": "low", "medium": "medium", "heavy": "high"}[e.Subtype]; intensity != "" {
		w.Intensity = &intensity
	}
	return w, true
}

func noteOf(e frozen.Entry) Note {
	return Note{EntrySample: lasting(e, 0), Value: e.Note, Tags: []string{tagOf(e)}}
}

// tagOf is what a note was written into.
func tagOf(e frozen.Entry) string {
	if tag := map[string]string{"carbs": "food", "exercise": "exercise", "insulin": "insulin_injection"}[e.Type]; tag != "" {
		return tag
	}
	return "unspecified"
}
