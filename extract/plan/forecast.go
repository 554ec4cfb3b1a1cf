package plan

import (
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A Forecast says what would be asked of one participant, as far as can be known
// without asking anything.
type Forecast struct {
	AsOf      time.Time // when dataRange was last answered; zero: never, and then all of the consented interval up to now is taken to have records
	Resources []ResourceForecast
	Clipped   []string // see Calls
}

// A ResourceForecast counts the requests for a resource; for dataRange, the
// questions what there is.
//
// Calls is exact if dataRange would answer what it did last time. CallsWithNews
// is the count if records of every kind were uploaded up to now, as from a sensor
// that is worn: then it is no less than what is asked, unless something older than
// the trailing days came late. Repetitions, of requests that fail or are answered
// without the records that dataRange shows, come on top of both.
type ResourceForecast struct {
	Resource      dexcom.Resource
	Beats         []string
	Window        Window // from the first instant asked for to the last; empty: the request takes none
	Calls         int
	CallsWithNews int
	Bytes         int64 // of CallsWithNews, by what was received so far, else by defaultVolume
}

// Foresee plans for a participant's connections from what is held.
func Foresee(states []State, index *Index) (f Forecast, err error) {
	for _, s := range states {
		shown, err := s.Held.allShown()
		if err != nil {
			return f, err
		}
		f.AsOf = latest(f.AsOf, shown.Asked)
		for _, news := range []bool{false, true} {
			if err := f.add(s, shown, news, index); err != nil {
				return f, err
			}
		}
	}
	slices.SortFunc(f.Resources, func(a, b ResourceForecast) int {
		return slices.Index(states[0].Resources, a.Resource) - slices.Index(states[0].Resources, b.Resource) // dataRange: -1
	})
	for i, r := range f.Resources {
		// What was never seen before and is new is asked for where it is new, else
		// the deep beat asks everywhere.
		f.Resources[i].CallsWithNews = max(r.Calls, r.CallsWithNews)
	}
	return f, nil
}

// add counts what is asked of s if dataRange shows what it did, or that and news.
func (f *Forecast) add(s State, shown Shown, news bool, index *Index) error {
	questions, err := Questions(s)
	if err != nil {
		return err
	}
	var answers []Shown
	for _, q := range questions {
		f.count(Call{Resource: dexcom.DataRange}, news, index)
		answers = append(answers, s.imagine(shown, news, q.LastSync))
	}
	calls, clipped, err := Calls(s, answers)
	if clipped != "" {
		f.Clipped = append(f.Clipped, clipped)
	}
	for _, call := range calls {
		f.count(call, news, index)
	}
	return err
}

func (f *Forecast) count(call Call, news bool, index *Index) {
	i := slices.IndexFunc(f.Resources, func(r ResourceForecast) bool { return r.Resource == call.Resource })
	if i < 0 {
		i = len(f.Resources)
		f.Resources = append(f.Resources, ResourceForecast{Resource: call.Resource})
	}
	r := &f.Resources[i]
	r.Window = merge(r.Window, call.Window).Span()
	if call.Beat != "" && !slices.Contains(r.Beats, call.Beat) {
		r.Beats = append(r.Beats, call.Beat)
	}
	if !news {
		r.Calls++
		return
	}
	r.CallsWithNews++
	r.Bytes += index.expected(call)
}

// imagine answers dataRange from what it showed, whose Asked is zero if it never did;
// news: as if records of every kind were uploaded up to now.
func (s State) imagine(shown Shown, news bool, lastSync time.Time) Shown {
	ranges := shown.Ranges
	if shown.Asked.IsZero() {
		every := dexcom.Range{Start: s.Consented.Start, End: earliest(s.Consented.End, s.Now)}
		ranges = dexcom.Ranges{EGVs: &every, Events: &every, Calibrations: &every}
	}
	return Shown{Asked: s.Now, Server: s.Now, LastSync: lastSync, Ranges: dexcom.Ranges{
		EGVs:         s.left(ranges.EGVs, news, lastSync),
		Events:       s.left(ranges.Events, news, lastSync),
		Calibrations: s.left(ranges.Calibrations, news, lastSync),
	}}
}

// left is what is left of r in an answer to lastSync. What was measured since
// then was uploaded since then; of what is older, nobody knows.
func (s State) left(r *dexcom.Range, news bool, lastSync time.Time) *dexcom.Range {
	switch {
	case r == nil && !news:
		return nil
	case r == nil:
		r = &dexcom.Range{Start: s.Now, End: s.Now}
	}
	left := dexcom.Range{Start: latest(r.Start, lastSync), End: r.End}
	if news {
		left.End = latest(r.End, s.Now)
	}
	if left.End.Before(lastSync) {
		return nil
	}
	return &left
}

// expected returns how many bytes will come in the answer to a call.
func (x *Index) expected(c Call) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	v := x.volumes[c.Resource]
	if v.answers == 0 {
		v = defaultVolume(c.Resource)
	}
	if v.asked <= 0 {
		return v.bytes / int64(v.answers)
	}
	return int64(float64(v.bytes) * c.Window.End.Sub(c.Window.Start).Hours() / v.asked.Hours())
}

// defaultVolume is what the simulated cohort of `dexetl demo` sends for an answer
// without window, or for a day.
func defaultVolume(r dexcom.Resource) volume {
	perDay := func(bytes int64) volume { return volume{1, bytes, 24 * time.Hour} }
	switch r {
	case dexcom.EGVs:
		return perDay(13_000)
	case dexcom.Calibrations:
		return perDay(33)
	case dexcom.Devices:
		return volume{answers: 1, bytes: 640}
	case dexcom.DataRange:
		return volume{answers: 1, bytes: 260}
	}
	return perDay(450)
}
