package plan

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// openLog opens a log that waits for no disk: these tests cut no power.
func openLog(dir string) (*raw.Log, error) {
	log, err := raw.Open(dir)
	if err == nil {
		log.Fsync = func(*os.File) error { return nil }
	}
	return log, err
}

// askedOnce is what the log holds of P1, of whom everything was asked at the given
// time; the newest reading is an hour older.
func askedOnce(t *testing.T, at time.Time) (held Held, read Window) {
	t.Helper()
	log, err := openLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	readings := dexcom.Range{Start: at.AddDate(0, 0, -20), End: at.Add(-time.Hour)}
	read = whole(readings)
	const body = `{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"events":null,"egvs":{"start":{"systemTime":"%[1]s","displayTime":"%[1]s"},"end":{"systemTime":"%[2]s","displayTime":"%[2]s"}}}`
	answers := []raw.Header{{Resource: string(dexcom.DataRange)}, {Resource: string(dexcom.EGVs), WindowStart: read.Start, WindowEnd: read.End, Records: 1}}
	for _, h := range answers {
		h.ParticipantID, h.ConnectionID, h.AskedAt = "P1", "c", at
		if _, err := log.Append(t.Context(), h, fmt.Appendf(nil, body, readings.Start.Format("2006-01-02T15:04:05"), readings.End.Format("2006-01-02T15:04:05"))); err != nil {
			t.Fatal(err)
		}
	}
	x, _, err := OpenIndex(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x.Held("P1", "c"), read
}

// What dataRange is asked follows from the job, from what is held and from the time,
// and what is asked for then from its answers.
func TestQuestionsAndCalls(t *testing.T) {
	at := DeepSince("P1", defaultDeep, epoch).Add(time.Hour).Truncate(time.Second) // no deep beat comes for a month
	held, read := askedOnce(t, at)
	everything, news := Question{Beat: BeatDeep}, Question{at.Add(-syncMargin), BeatNews}
	for _, tt := range []struct {
		name  string
		job   Job
		held  Held
		after time.Duration
		want  []Question
		calls []Call // if the newest reading is as old as the question
	}{
		{"backfill", Job{Mode: Backfill}, held, 2 * time.Hour, []Question{{Beat: BeatBackfill}},
			[]Call{{dexcom.EGVs, Window{read.End, at.Add(2*time.Hour + rangeMargin)}, BeatBackfill}}},
		{"refresh", Job{Mode: Refresh, Since: at}, Held{}, 2 * time.Hour, []Question{{Beat: BeatRefresh}},
			[]Call{{dexcom.EGVs, read, BeatRefresh}}},
		{"first sync", Job{Mode: Sync}, Held{}, 2 * time.Hour, []Question{everything},
			[]Call{{dexcom.EGVs, Window{read.Start, at.Add(2*time.Hour + rangeMargin)}, BeatDeep}}},
		{"sync", Job{Mode: Sync}, held, 2 * time.Hour, []Question{news},
			[]Call{{dexcom.EGVs, Window{read.End.Add(-overlap), at.Add(2*time.Hour + rangeMargin)}, BeatNews}}},
		{"sync a day later", Job{Mode: Sync}, held, 24 * time.Hour, []Question{{Beat: BeatTrailing}, news}, []Call{
			{dexcom.EGVs, Window{at.Add(24*time.Hour - defaultTrailing), read.End.Add(-overlap)}, BeatTrailing},
			{dexcom.EGVs, Window{read.End.Add(-overlap), at.Add(24*time.Hour + rangeMargin)}, BeatNews},
		}},
		{"sync a month later", Job{Mode: Sync}, held, defaultDeep, []Question{everything}, nil},
		{"deep sync now", Job{Mode: Sync, DeepNow: true}, held, 2 * time.Hour, []Question{everything, news}, nil},
	} {
		now := at.Add(tt.after)
		s := State{Job: tt.job, ParticipantID: "P1", Consented: Window{read.Start, openEnd}, Held: tt.held, Resources: []dexcom.Resource{dexcom.EGVs}, Now: now}
		if tt.job.Mode == Refresh {
			s.Consented = read
		}
		got, err := Questions(s)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: asks dataRange %v, %v; want %v", tt.name, got, err, tt.want)
		}
		var answers []Shown
		for _, q := range got {
			newest := dexcom.Range{Start: latest(at.AddDate(0, 0, -20), q.LastSync), End: now}
			answers = append(answers, Shown{Asked: now, Server: now, LastSync: q.LastSync, Ranges: dexcom.Ranges{EGVs: &newest}})
		}
		calls, clipped, err := Calls(s, answers)
		if err != nil || clipped != "" || tt.calls != nil && fmt.Sprint(calls) != fmt.Sprint(tt.calls) || len(calls) == 0 {
			t.Errorf("%s: calls for %v (%q, %v), want %v", tt.name, calls, clipped, err, tt.calls)
		}
	}
}
