package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

func TestShownWindows(t *testing.T) {
	now := epoch.Add(30 * time.Minute)
	rng := func(start, end time.Time) *dexcom.Range { return &dexcom.Range{Start: start, End: end} }
	egvs := func(w Window) Window { return Window{w.Start.Add(-time.Minute), w.End} }
	alerts := func(w Window) Window { return Window{egvs(w).Start.Add(-alertsAround), w.End} }
	odd := epoch.Add(-time.Hour + 123*time.Millisecond)
	for _, tt := range []struct {
		name   string
		ranges dexcom.Ranges
		want   map[dexcom.Resource]Window
		clips  int
	}{
		{"nothing", dexcom.Ranges{}, nil, 0},
		{"end passes the newest record", dexcom.Ranges{EGVs: rng(epoch.Add(-time.Hour), epoch)}, map[dexcom.Resource]Window{
			dexcom.EGVs: egvs(Window{epoch.Add(-time.Hour), epoch.Add(time.Minute)}), dexcom.Alerts: alerts(Window{epoch.Add(-time.Hour), now.Add(time.Second)}),
		}, 0},
		{"one record, in whole seconds", dexcom.Ranges{Events: rng(odd, odd)}, map[dexcom.Resource]Window{
			dexcom.Events: egvs(Window{epoch.Add(-time.Hour), epoch.Add(-time.Hour + 61*time.Second)}), dexcom.Alerts: alerts(Window{epoch.Add(-time.Hour), now.Add(time.Second)}),
		}, 0},
		{"alerts are asked for where anything is a day before and a day on", dexcom.Ranges{EGVs: rng(span(-50, -40).Start, span(-50, -40).End), Calibrations: rng(span(-35, -30).Start, span(-35, -30).End)}, map[dexcom.Resource]Window{
			dexcom.EGVs: egvs(Window{span(-50, 0).Start, span(0, -40).End.Add(time.Minute)}), dexcom.Calibrations: egvs(Window{span(-35, 0).Start, span(0, -30).End.Add(time.Minute)}),
			dexcom.Alerts: alerts(Window{span(-50, 0).Start, span(0, -6).End.Add(time.Minute)}),
		}, 0},
		{"alerts beyond the server's time only where others are", dexcom.Ranges{EGVs: rng(epoch, now.Add(-time.Second))}, map[dexcom.Resource]Window{
			dexcom.EGVs: egvs(Window{epoch, now.Add(59 * time.Second)}), dexcom.Alerts: alerts(Window{epoch, now.Add(59 * time.Second)}),
		}, 0},
		{"a clock ahead", dexcom.Ranges{EGVs: rng(now.Add(time.Minute), now.Add(time.Hour))}, map[dexcom.Resource]Window{
			dexcom.EGVs: egvs(Window{now.Add(time.Minute), now.Add(61 * time.Minute)}), dexcom.Alerts: alerts(Window{now.Add(time.Minute), now.Add(61 * time.Minute)}),
		}, 0},
		{"implausible", dexcom.Ranges{EGVs: rng(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2085, 1, 1, 0, 0, 0, 0, time.UTC)), Events: rng(time.Date(2084, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2085, 1, 1, 0, 0, 0, 0, time.UTC))}, map[dexcom.Resource]Window{
			dexcom.EGVs: {plausibleStart, epoch.Add(24 * time.Hour)}, dexcom.Alerts: {plausibleStart, epoch.Add(24 * time.Hour)},
		}, 2},
	} {
		// The server's time counts, and ours only if it sent none.
		k := Shown{Asked: now.Add(10 * time.Minute), Server: now, Ranges: tt.ranges}
		for _, k := range []Shown{k, {Asked: now.Add(time.Millisecond), Ranges: tt.ranges}} {
			if got := k.windows(); fmt.Sprint(got) != fmt.Sprint(tt.want) && len(got)+len(tt.want) > 0 {
				t.Errorf("%s: windows() of %+v = %v, want %v", tt.name, k, got, tt.want)
			}
		}
		if got := k.Clipped(); len(got) != tt.clips {
			t.Errorf("%s: clipped() = %q, want %d notes", tt.name, got, tt.clips)
		}
	}
}

func TestShownExpects(t *testing.T) {
	at := span(0, 100)
	k := Shown{Asked: epoch.Add(1000 * time.Hour), Ranges: dexcom.Ranges{EGVs: &dexcom.Range{Start: at.Start, End: at.End}, Events: &dexcom.Range{Start: at.Start, End: at.End}}}
	for _, tt := range []struct {
		resource dexcom.Resource
		w        Window
		want     bool
	}{
		{dexcom.EGVs, span(40, 50), false},
		{dexcom.EGVs, span(0, 1), true},
		{dexcom.EGVs, span(-10, 0), false},
		{dexcom.EGVs, span(101, 110), false},
		{dexcom.EGVs, Window{at.End, at.End.Add(time.Second)}, true},
		{dexcom.EGVs, Window{at.End.Add(time.Second), at.End.Add(time.Minute)}, false},
		{dexcom.Events, span(40, 50), false},
		{dexcom.Events, span(0, 1), true},
		{dexcom.Events, span(99, 101), true},
		{dexcom.Calibrations, span(0, 100), false},
		{dexcom.Alerts, span(0, 100), false},
	} {
		if got := k.Expects(tt.resource, tt.w); got != tt.want {
			t.Errorf("expects(%s, %v) = %t, want %t", tt.resource, tt.w, got, tt.want)
		}
	}
	// One record dated implausibly says nothing of the time up to the others.
	for _, odd := range []dexcom.Range{
		{Start: at.Start, End: time.Date(2085, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Start: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), End: at.End},
	} {
		k.Ranges.EGVs = &odd
		believed := odd.Start.Equal(at.Start)
		if k.Expects(dexcom.EGVs, span(40, 50)) || k.Expects(dexcom.EGVs, span(0, 1)) != believed || k.Expects(dexcom.EGVs, span(99, 101)) == believed {
			t.Errorf("range %v: want records expected with the end that is plausible, and in no other window", odd)
		}
	}
}

func TestShownHeldUpTo(t *testing.T) {
	at := span(0, 100)
	ranges := dexcom.Ranges{EGVs: &dexcom.Range{Start: at.Start, End: at.End}}
	all := Window{at.Start.Add(-time.Minute - alertsAround), at.End.Add(time.Minute + alertsAround)}
	hour := func(h int) time.Time { return epoch.Add(time.Duration(h) * time.Hour) }
	for _, tt := range []struct {
		name   string
		shown  Shown
		held   Coverage
		want   time.Time // zero: not settled
		within Window
	}{
		{"nothing held, so all is due", Shown{Asked: hour(200), Ranges: ranges}, nil, hour(200), span(-1000, 1000)},
		{"a part never read, so it is due", Shown{Asked: hour(200), Ranges: ranges}, Coverage{}.Add(span(0, 50), hour(150)), hour(150), span(-1000, 1000)},
		{"nothing shown", Shown{Asked: hour(200)}, nil, hour(200), span(-1000, 1000)},
		{"nothing consented", Shown{Asked: hour(200), Ranges: ranges}, nil, hour(200), span(500, 1000)},
		{"all held after", Shown{Asked: hour(200), Ranges: ranges}, Coverage{}.Add(all, hour(201)), hour(200), span(-1000, 1000)},
		{"a part held from before", Shown{Asked: hour(200), Ranges: ranges}, Coverage{}.Add(all, hour(201)).Add(span(3, 4), hour(150)), hour(200), span(-1000, 1000)},
		{"a part last read before", Shown{Asked: hour(200), Ranges: ranges}, Coverage{}.Add(Window{all.Start, span(0, 50).End}, hour(150)).Add(Window{span(50, 0).Start, all.End}, hour(210)), hour(150), span(-1000, 1000)},
		{"the consented part is held", Shown{Asked: hour(200), Ranges: ranges}, Coverage{}.Add(span(10, 20), hour(201)), hour(200), span(10, 20)},
		{"news not held", Shown{Asked: hour(200), LastSync: hour(100), Ranges: ranges}, nil, time.Time{}, span(-1000, 1000)},
		{"news held in part", Shown{Asked: hour(200), LastSync: hour(100), Ranges: ranges}, Coverage{}.Add(span(0, 50), hour(201)), time.Time{}, span(-1000, 1000)},
		{"news read before", Shown{Asked: hour(200), LastSync: hour(100), Ranges: ranges}, Coverage{}.Add(all, hour(199)), time.Time{}, span(-1000, 1000)},
		{"news read after", Shown{Asked: hour(200), LastSync: hour(100), Ranges: ranges}, Coverage{}.Add(all, hour(200)), hour(200), span(-1000, 1000)},
	} {
		held := Held{Coverage: map[dexcom.Resource]Coverage{dexcom.EGVs: tt.held, dexcom.Alerts: tt.held}}
		got, ok := tt.shown.heldUpTo(held, tt.within, []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Alerts, dexcom.Devices})
		if ok == tt.want.IsZero() || !got.Equal(tt.want) {
			t.Errorf("%s: heldUpTo() = %v, %t; want %v", tt.name, got, ok, tt.want)
		}
	}
}
