package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// reconnected is what a participant's old and new connection are planned from: the
// old one was answered for the windows of read, of which those of found had records.
func reconnected(t *testing.T, read map[dexcom.Resource]Window, found ...dexcom.Resource) *Index {
	t.Helper()
	log, err := openLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	for r, w := range read {
		h := raw.Header{ParticipantID: "P1", ConnectionID: "old", Resource: string(r), WindowStart: w.Start, WindowEnd: w.End, AskedAt: w.End}
		if slices.Contains(found, r) {
			h.Records = 1
		}
		if _, err := log.Append(t.Context(), h, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	x, _, err := OpenIndex(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Whoever connects again is asked about everything that their old connection was
// answered for and that had records: a record that is no longer served is in no
// dataRange any more, and in our tables until an answer lacks it.
func TestReconnectedIsAskedWhatWasAnswered(t *testing.T) {
	read := map[dexcom.Resource]Window{
		dexcom.EGVs: span(0, 100), dexcom.Events: span(10, 90), dexcom.Calibrations: span(20, 80), dexcom.Alerts: span(0, 110),
	}
	every := []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts}
	now := epoch.Add(150 * time.Hour)
	from := func(w Window) *dexcom.Range { return &dexcom.Range{Start: w.Start, End: w.End} }
	minute := func(w Window) Window { return Window{w.Start.Add(-rangeMargin), w.End.Add(rangeMargin)} }
	all := Window{plausibleStart, openEnd}
	for _, tt := range []struct {
		name      string
		found     []dexcom.Resource // through the old connection
		consented Window
		ranges    dexcom.Ranges // through the new one
		want      map[dexcom.Resource]Window
	}{
		{"the first connection", nil, all, dexcom.Ranges{EGVs: from(span(5, 50))}, map[dexcom.Resource]Window{
			dexcom.EGVs: minute(span(5, 50)), dexcom.Alerts: minute(span(5-24, 50+24)),
		}},
		{"dataRange shows nothing", every, all, dexcom.Ranges{}, read},
		{"of events it shows nothing", every, all, dexcom.Ranges{EGVs: from(span(1, 99)), Calibrations: from(span(21, 79))}, map[dexcom.Resource]Window{
			dexcom.EGVs: span(0, 100), dexcom.Events: span(10, 90), dexcom.Calibrations: span(20, 80), dexcom.Alerts: minute(span(1-24, 99+24)),
		}},
		{"it ends earlier, or begins later", every, all, dexcom.Ranges{EGVs: from(span(1, 60)), Events: from(span(40, 50)), Calibrations: from(span(79, 79))}, map[dexcom.Resource]Window{
			dexcom.EGVs: span(0, 100), dexcom.Events: span(10, 90), dexcom.Calibrations: span(20, 80),
			dexcom.Alerts: {span(1-24, 0).Start.Add(-rangeMargin), span(0, 110).End},
		}},
		{"it ends later", every, all, dexcom.Ranges{EGVs: from(span(0, 140)), Events: from(span(120, 130))}, map[dexcom.Resource]Window{
			dexcom.EGVs: minute(span(0, 140)), dexcom.Events: {span(10, 0).Start, span(0, 130).End.Add(rangeMargin)},
			dexcom.Calibrations: span(20, 80), dexcom.Alerts: {span(-24, 0).Start.Add(-rangeMargin), now.Add(time.Second)},
		}},
		{"of what never came nothing can be gone", []dexcom.Resource{dexcom.Events}, all, dexcom.Ranges{EGVs: from(span(10, 50))}, map[dexcom.Resource]Window{
			dexcom.EGVs: minute(span(10, 50)), dexcom.Events: span(10, 90), dexcom.Alerts: minute(span(10-24, 50+24)),
		}},
		{"no longer consented, in part", every, span(30, 85), dexcom.Ranges{EGVs: from(span(1, 60))}, map[dexcom.Resource]Window{
			dexcom.EGVs: span(30, 85), dexcom.Events: span(30, 85), dexcom.Calibrations: span(30, 80), dexcom.Alerts: span(30, 85),
		}},
		{"no longer consented, all of it", every, span(200, 300), dexcom.Ranges{EGVs: from(span(1, 60))}, nil},
	} {
		index := reconnected(t, read, tt.found...)
		for _, job := range []Job{{Mode: Backfill}, {Mode: Sync}, {Mode: Sync, DeepNow: true}} {
			s := State{
				Job: job, ParticipantID: "P1", Consented: tt.consented, Resources: append(every, dexcom.Devices), Now: now,
				Held: index.Held("P1", "new"), Reached: index.Reached("P1", []string{"old"}),
			}
			got := map[dexcom.Resource]Windows{}
			for _, c := range planned(t, s, tt.ranges) {
				got[c.Resource] = append(got[c.Resource], c.Window)
			}
			if len(got[dexcom.Devices]) != 1 {
				t.Errorf("%s, %s: asks %d times for devices, want once", tt.name, job.Mode, len(got[dexcom.Devices]))
			}
			for _, r := range every {
				// A sync may ask for more: alerts of the day after the last record, and of
				// what dataRange leaves out wherever there are records.
				w, exact := tt.want[r], job.Mode == Backfill
				if len(got[r]) > 1 || len(merge(w).Subtract(got[r])) > 0 || len(got[r].Subtract(Windows{tt.consented})) > 0 || exact && got[r].Span() != w {
					t.Errorf("%s, %s of %s: asks for %v, want %v", tt.name, job.Mode, r, got[r], w)
				}
			}
		}
	}
}

// planned are the calls of s if dataRange shows ranges.
func planned(t *testing.T, s State, ranges dexcom.Ranges) []Call {
	t.Helper()
	questions, err := Questions(s)
	if err != nil {
		t.Fatal(err)
	}
	var answers []Shown
	for _, q := range questions {
		answers = append(answers, Shown{Asked: s.Now, Server: s.Now, LastSync: q.LastSync, Ranges: ranges})
	}
	calls, _, err := Calls(s, answers)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// What was answered through other connections is told of those that are named, and
// of this participant.
func TestReached(t *testing.T) {
	read := map[dexcom.Resource]Window{dexcom.EGVs: span(0, 100), dexcom.Events: span(10, 90)}
	x := reconnected(t, read, dexcom.EGVs)
	for _, tt := range []struct {
		participant string
		connections []string
		want        map[dexcom.Resource]Window
	}{
		{"P1", []string{"never used", "old"}, map[dexcom.Resource]Window{dexcom.EGVs: span(0, 100)}},
		{"P1", []string{"new"}, nil},
		{"P1", nil, nil},
		{"P2", []string{"old"}, nil},
	} {
		if got := x.Reached(tt.participant, tt.connections); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("Reached(%s, %v) = %v, want %v", tt.participant, tt.connections, got, tt.want)
		}
	}
}
