package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/dexetl/dexetl/extract/raw"
)

func deviceJSON(upload, sound string, settings int) string {
	var list []string
	for i := range settings {
		list = append(list, fmt.Sprintf(`{"alertName":"high","value":%d,"unit":"mg/dL","enabled":true,"soundTheme":%q}`, 200+i, sound))
	}
	return fmt.Sprintf(`{"lastUploadDate":%q,"transmitterId":"T","transmitterGeneration":"g7","displayDevice":"iOS","displayApp":"G7",`+
		`"alertSchedules":[{"alertScheduleSettings":{"alertScheduleName":"","isEnabled":true,"isDefaultSchedule":true,"startTime":"00:00",`+
		`"endTime":"00:00","daysOfWeek":["monday"]},"alertSettings":[%s]}]}`, upload, strings.Join(list, ","))
}

func TestDevices(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ask := func(devices ...string) { w.answer("P1", "A", "devices", time.Time{}, time.Time{}, devices...) }
	ask(deviceJSON("2026-03-01T00:00:00Z", "modern", 2))
	ask(deviceJSON("2026-03-02T00:00:00Z", "modern", 2))  // only the upload moves
	ask(deviceJSON("2026-02-01T00:00:00Z", "modern", 2))  // and never back
	ask(deviceJSON("2026-03-03T00:00:00Z", "classic", 3)) // a new version
	ask(deviceJSON("2026-03-03T00:00:00Z", "modern", 3), deviceJSON("2026-03-04T00:00:00Z", "modern", 1))
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes), commitBytes)
		k.load(Study{})
		sameText(t, "devices", k.rows("devices", "last_upload_date", "request_id", "valid_from", "valid_to"), []string{
			"last_upload_date=2026-03-02T00:00:00 request_id=REQ000001 valid_from=2026-04-01T12:00:00 valid_to=2026-04-01T15:00:00",
			"last_upload_date=2026-03-03T00:00:00 request_id=REQ000004 valid_from=2026-04-01T15:00:00 valid_to=2026-04-01T16:00:00",
			"last_upload_date=2026-03-04T00:00:00 request_id=REQ000005 valid_from=2026-04-01T16:00:00 valid_to=-",
		})
		sameText(t, "alert_settings", k.rows("alert_settings", "setting_index", "sound_theme", "value", "valid_to"), []string{
			"setting_index=0 value=200 sound_theme=classic valid_to=2026-04-01T16:00:00",
			"setting_index=0 value=200 sound_theme=modern valid_to=-",
			"setting_index=0 value=200 sound_theme=modern valid_to=2026-04-01T15:00:00",
			"setting_index=1 value=201 sound_theme=classic valid_to=2026-04-01T16:00:00",
			"setting_index=1 value=201 sound_theme=modern valid_to=2026-04-01T15:00:00",
			"setting_index=2 value=202 sound_theme=classic valid_to=2026-04-01T16:00:00",
		})
		sameText(t, "coverage", k.rows("coverage", "resource", "asked_from", "asked_at", "records"), []string{
			"resource=devices asked_from=- asked_at=2026-04-01T16:00:00 records=1",
		})
		k.checkLayout()
		k.unlock()
	}
}

func dataRange(from, to string) string {
	moment := func(t string) string { return fmt.Sprintf(`{"systemTime":%q,"displayTime":%q}`, t, t) }
	return fmt.Sprintf(`{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"egvs":{"start":%s,"end":%s},"events":null}`,
		moment(from), moment(to))
}

// What the API says it has is known before anything is asked, and stays.
func TestCoverageRanges(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ask := func(lastSync time.Time, body string) {
		w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange", LastSync: lastSync}, body)
	}
	columns := []string{"resource", "asked_from", "asked_to", "asked_at", "records", "data_from", "data_to"}
	k := w.tank("lake", 0)
	defer k.unlock()
	steps := []struct {
		do   func()
		want []string
	}{
		{func() { ask(time.Time{}, dataRange("2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z")) }, []string{
			"resource=dataRange asked_from=- asked_to=- asked_at=2026-04-01T12:00:00 records=0 data_from=- data_to=-",
			"resource=egvs asked_from=- asked_to=- asked_at=2026-04-01T12:00:00 records=0 data_from=2026-03-02T00:00:00 data_to=2026-03-05T00:00:00",
		}},
		{func() {
			w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), egv("x", at(2, "12:00:00"), 100))
		}, []string{
			"resource=dataRange asked_from=- asked_to=- asked_at=2026-04-01T12:00:00 records=0 data_from=- data_to=-",
			"resource=egvs asked_from=2026-03-02T00:00:00 asked_to=2026-03-03T00:00:00 asked_at=2026-04-01T13:00:00 records=1 data_from=2026-03-02T00:00:00 data_to=2026-03-05T00:00:00",
		}},
		{func() { ask(at(5, "00:00:00"), dataRange("2026-03-04T00:00:00Z", "2026-03-09T00:00:00Z")) }, []string{
			"resource=dataRange asked_from=- asked_to=- asked_at=2026-04-01T14:00:00 records=0 data_from=- data_to=-",
			"resource=egvs asked_from=2026-03-02T00:00:00 asked_to=2026-03-03T00:00:00 asked_at=2026-04-01T13:00:00 records=1 data_from=2026-03-02T00:00:00 data_to=2026-03-09T00:00:00",
		}},
		{func() { ask(time.Time{}, dataRange("2026-03-04T00:00:00Z", "2026-03-08T00:00:00Z")) }, []string{
			"resource=dataRange asked_from=- asked_to=- asked_at=2026-04-01T15:00:00 records=0 data_from=- data_to=-",
			"resource=egvs asked_from=2026-03-02T00:00:00 asked_to=2026-03-03T00:00:00 asked_at=2026-04-01T13:00:00 records=1 data_from=2026-03-04T00:00:00 data_to=2026-03-08T00:00:00",
		}},
	}
	for i, s := range steps {
		s.do()
		k.load(Study{})
		sameText(t, fmt.Sprint("coverage after step ", i), k.rows("coverage", columns...), s.want)
	}
}

// The roster shapes local times: its change is a commit that derives them anew.
func TestRosterChange(t *testing.T) {
	w := newWorld(t, t.TempDir())
	noOffset := strings.NewReplacer(`-05:00"`, `"`)
	w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"),
		noOffset.Replace(strings.Replace(egv("x", at(2, "12:00:00"), 100), "T07:00:00-05:00", "T12:00:00", 1)))
	k := w.tank("lake", 0)
	defer k.unlock()
	columns := []string{"local_time", "local_date", "local_time_source", "study_day"}
	roster := func(zone string, anchor time.Time) Study {
		return Study{Participants: []Participant{{ID: "P1", Timezone: zone, AnchorDate: anchor}}, Runs: []Run{{ID: "R", Command: "sync", StartedAt: w.time}}}
	}
	steps := []struct {
		study   Study
		commits int
		want    string
	}{
		{roster("", time.Time{}), 1, "local_time=- local_date=- local_time_source=unknown study_day=-"},
		{roster("Asia/Kolkata", time.Time{}), 1, "local_time=2026-03-02T17:30:00 local_date=2026-03-02 local_time_source=roster study_day=-"},
		{roster("Asia/Kolkata", time.Time{}), 0, "local_time=2026-03-02T17:30:00 local_date=2026-03-02 local_time_source=roster study_day=-"},
		{roster("Asia/Kolkata", at(3, "00:00:00")), 1, "local_time=2026-03-02T17:30:00 local_date=2026-03-02 local_time_source=roster study_day=-1"},
		{Study{Runs: []Run{{ID: "R", Command: "sync", StartedAt: w.time}}}, 1, "local_time=- local_date=- local_time_source=unknown study_day=-"},
		{Study{Runs: []Run{{ID: "S", Command: "sync", StartedAt: w.time}}}, 0, "local_time=- local_date=- local_time_source=unknown study_day=-"},
	}
	for i, s := range steps {
		if r := k.load(s.study); r.Commits != s.commits {
			t.Errorf("step %d: %d commits, want %d", i, r.Commits, s.commits)
		}
		sameText(t, fmt.Sprint("glucose after step ", i), k.rows("glucose", columns...), []string{s.want})
	}
	if _, err := k.Load(t.Context(), roster("Mars/Olympus", time.Time{}), "RUN"); err == nil || !strings.Contains(err.Error(), "P1") {
		t.Errorf("Load with zone Mars/Olympus: %v, want an error that names P1", err)
	}
}

// The study's tables are written as given.
func TestStudyTables(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	one, two := int32(1), int32(2)
	calls, answers := int64(3), int64(2)
	day := at(5, "00:00:00")
	k.load(Study{
		Participants: []Participant{{ID: "P2"}, {
			ID: "P1", Site: "S", Cohort: "C", Arm: "A", Status: "enrolled", StatusDate: day, ConsentDate: day, AnchorDate: day,
			StudyStart: day, StudyEnd: day, Timezone: "UTC", Region: "us",
		}},
		Connections: []Connection{{ID: "C1", ParticipantID: "P1", Region: "us", AccountHash: "h", Status: "connected", ValidFrom: day}},
		Windows:     []Window{{ParticipantID: "*", Name: "w", StartDay: &one, EndDay: &two}, {ParticipantID: "P1", Name: "w", Start: day, End: day}},
		Exclusions:  []Exclusion{{ParticipantID: "P1", From: day, To: day.Add(time.Hour), Reason: "MRI"}},
		Settings:    []Setting{{Key: "study.id", Value: "X"}},
		Runs:        []Run{{ID: "R", Command: "sync", StartedAt: day, ExitCode: &one, Calls: &calls, Answers: &answers, Version: "v"}},
		Audit: []AuditLine{
			{Seq: 2, At: day, Who: "w", Command: "c", Subject: "window", Before: "{}", Hash: "k"},
			{Seq: 1, At: day, Who: "w", Command: "c", Subject: "participant", ParticipantID: "P1", After: "{}", Reason: "r", Hash: "h"},
		},
	})
	for table, want := range map[string][]string{
		"participants": {
			"participant_id=P1 site=S cohort=C arm=A status=enrolled status_date=2026-03-05 consent_date=2026-03-05 anchor_date=2026-03-05 " +
				"study_start=2026-03-05 study_end=2026-03-05 timezone=UTC region=us",
			"participant_id=P2 site=- cohort=- arm=- status=- status_date=- consent_date=- anchor_date=- study_start=- study_end=- timezone=- region=-",
		},
		"connections": {"connection_id=C1 participant_id=P1 region=us account_hash=h status=connected valid_from=2026-03-05T00:00:00 valid_to=-"},
		"windows": {
			"participant_id=* window_name=w start_date=- end_date=- start_day=1 end_day=2 window=w",
			"participant_id=P1 window_name=w start_date=2026-03-05 end_date=2026-03-05 start_day=- end_day=- window=w",
		},
		"exclusions": {"participant_id=P1 from_local=2026-03-05T00:00:00 to_local=2026-03-05T01:00:00 reason=MRI"},
		"settings":   {"key=study.id value=X"},
		"runs":       {"run_id=R command=sync started_at=2026-03-05T00:00:00 ended_at=- exit_code=1 calls=3 answers=2 version=v"},
		"audit": {
			"seq=1 made_at=2026-03-05T00:00:00 who=w command=c subject=participant participant_id=P1 before=- after={} reason=r hash=h at=2026-03-05T00:00:00",
			"seq=2 made_at=2026-03-05T00:00:00 who=w command=c subject=window participant_id=- before={} after=- reason=- hash=k at=2026-03-05T00:00:00",
		},
	} {
		sameText(t, table, k.rows(table), want)
	}
	k.checkLayout()
}

// What a run says of its end comes with the last of its commits: one that dies
// before has not ended.
func TestRunEndsWithTheLastCommit(t *testing.T) {
	ended := Study{Runs: []Run{{ID: "RUN", Command: "sync", StartedAt: now, Ended: now.Add(time.Hour)}}}
	for _, tt := range []struct {
		commitBytes int64
		commits     int
	}{
		{40_000, 2}, // of two answers and one
		{1, 4},      // the last answer fills its commit: there might be more
	} {
		w := newWorld(t, t.TempDir())
		for day := 2; day < 5; day++ {
			w.answer("P1", "A", "egvs", at(day, "00:00:00"), at(day+1, "00:00:00"), dayOf(day, 100)...)
		}
		k := w.tank("lake", tt.commitBytes)
		defer k.unlock()
		ctx, cancel := context.WithCancel(t.Context())
		k.Logger = slog.New(slog.NewTextHandler(stopper(cancel), nil))
		if r, err := k.Load(ctx, ended, "RUN"); !errors.Is(err, context.Canceled) || r.Commits != 1 {
			t.Fatalf("Load = %+v, %v; want one commit, then %v", r, err, context.Canceled)
		}
		sameText(t, "runs after one commit", k.rows("runs"), nil)
		k.Logger = nil
		if r := k.load(ended); r.Commits != tt.commits-1 {
			t.Errorf("the rest: %d commits, want %d", r.Commits, tt.commits-1)
		}
		sameText(t, "runs", k.rows("runs", "run_id", "ended_at"), []string{"run_id=RUN ended_at=2026-04-01T13:00:00"})
		if r := k.load(ended); r.Commits != 0 {
			t.Errorf("Load again: %d commits, want none", r.Commits)
		}
	}
}

// A stopper ends a context as soon as something is logged.
type stopper context.CancelFunc

func (s stopper) Write(b []byte) (int, error) {
	s()
	return len(b), nil
}
