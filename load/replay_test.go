package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// replay folds the log anew and adopts the result.
func (k *tank) replay(study Study) Difference {
	k.t.Helper()
	r, err := k.Replay(context.Background(), study, "REPLAY")
	if err != nil {
		k.t.Fatalf("Replay: %v", err)
	}
	d, err := r.Diff(context.Background())
	if err != nil {
		k.t.Fatalf("Diff: %v", err)
	}
	m, err := r.Adopt(context.Background())
	if err != nil || m.Parent != r.Before.Snapshot || m.Run != "REPLAY" {
		k.t.Fatalf("Adopt = snapshot %d of parent %d, run %s, %v; want a child of %d", m.Snapshot, m.Parent, m.Run, err, r.Before.Snapshot)
	}
	if err := r.Close(); err != nil {
		k.t.Fatalf("Close: %v", err)
	}
	for _, f := range m.Files {
		if err := k.Lake.Check(f); err != nil {
			k.t.Fatalf("file after Adopt: %v", err)
		}
	}
	return d
}

// others asks what a model does not know: the other resources, devices, ranges,
// records that are none, and a clock that steps back as it does where several
// processes fetch.
func (h *history) others(t *rapid.T) {
	participant := rapid.SampledFrom([]string{"P1", "P2", "P3"}).Draw(t, "whose")
	connection := rapid.SampledFrom([]string{"A", "A", "B"}).Draw(t, "account")
	from := slots.AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "from"))
	to := from.AddDate(0, 0, rapid.SampledFrom([]int{1, 30}).Draw(t, "for"))
	stamp := func(d time.Duration) string { return from.Add(d).Format("2006-01-02T15:04:05Z") }
	switch what := rapid.SampledFrom([]string{"calibrations", "alerts", "devices", "dataRange", "reject", "held", "clock"}).Draw(t, "what"); what {
	case "calibrations", "alerts":
		var records []string
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			own := fmt.Sprintf(`"unit":"mg/dL","value":%d`, 100+rapid.IntRange(0, 1).Draw(t, "value"))
			if what == "alerts" {
				own = `"alertName":"high","alertState":"inactive"`
			}
			records = append(records, fmt.Sprintf(`{"recordId":"%s-%d","systemTime":%q,"displayTime":%q,%s}`,
				from.Format("0102"), i, stamp(time.Hour), stamp(time.Hour), own))
		}
		h.answer(participant, connection, what, from, to, records...)
	case "devices":
		var devices []string
		for range rapid.IntRange(0, 2).Draw(t, "n") {
			devices = append(devices, deviceJSON(stamp(0), rapid.SampledFrom([]string{"modern", "classic"}).Draw(t, "sound"), rapid.IntRange(0, 3).Draw(t, "settings")))
		}
		h.answer(participant, connection, "devices", time.Time{}, time.Time{}, devices...)
	case "dataRange":
		body := dataRange(stamp(0), stamp(48*time.Hour))
		if rapid.Bool().Draw(t, "nothing") {
			body = `{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"egvs":null,"events":null}`
		}
		header := raw.Header{ParticipantID: participant, ConnectionID: connection, Resource: "dataRange"}
		if rapid.Bool().Draw(t, "news") {
			header.LastSync = from
		}
		h.append(header, body)
	case "reject":
		h.answer(participant, connection, "egvs", from, to, fmt.Sprintf(`{"recordId":"bad","systemTime":"day %d"}`, rapid.IntRange(0, 2).Draw(t, "bad")))
	case "held":
		h.append(raw.Header{ParticipantID: participant, ConnectionID: connection, Resource: "egvs", WindowStart: from, WindowEnd: to}, `[`)
	case "clock":
		h.time = h.time.Add(-90 * time.Minute)
	}
}

// Nothing in a lake depends on how the answers were grouped into commits, and
// when: folded anew, it is the same to the last row of its history.
func TestReplayIsIdentical(t *testing.T) {
	t.Parallel()
	histories(t, func(t *rapid.T, h *history) {
		live := h.tank("live", rapid.SampledFrom([]int64{1, 1, 3000}).Draw(t, "commit bytes"))
		defer live.unlock()
		study := historyStudy()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "roster?") == 0 {
				study.Participants = slices.Clone(study.Participants)
				study.Participants[0].Timezone = rapid.SampledFrom([]string{"", "UTC", "Asia/Kolkata"}).Draw(t, "zone")
				study.Participants[1].AnchorDate = slots.AddDate(0, 0, rapid.IntRange(0, 2).Draw(t, "anchor"))
			}
			if rapid.IntRange(0, 9).Draw(t, "exclusions?") == 0 {
				from := slots.Add(time.Duration(rapid.IntRange(-24, 48).Draw(t, "excluded from")) * time.Hour)
				study.Exclusions = []Exclusion{{ParticipantID: "P1", From: from, To: from.Add(12 * time.Hour)}, {ParticipantID: "P2", From: slots, To: from.AddDate(0, 2, 0)}}
			}
			if rapid.Bool().Draw(t, "other") {
				h.others(t)
			} else {
				h.step(t)
			}
			if rapid.IntRange(0, 4).Draw(t, "load?") == 0 {
				live.load(study)
			}
			if rapid.IntRange(0, 14).Draw(t, "older program?") == 0 {
				live.age(3)
			}
		}
		live.load(study)
		before := live.all()
		live.CommitBytes = rapid.SampledFrom([]int64{1, 5000, 0}).Draw(t, "commit bytes of the replay")
		if d := live.replay(study); !d.Identical() {
			sameLakes(t, "replayed", live.all(), before)
			t.Fatalf("Diff says %+v, but every row is the same", d)
		}
		sameLakes(t, "replayed", live.all(), before)
		live.checkLayout()
		if r := live.load(study); r.Commits != 0 {
			t.Fatalf("Load after a replay: %d commits, want none", r.Commits)
		}
	})
}

// What an answer says of a resource without a row of coverage is not known to
// the next commit, so it must not count in the same commit either: here when
// the clock stepped back between two answers.
func TestCoverageForgetsAlike(t *testing.T) {
	w := newWorld(t, t.TempDir())
	header := raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}
	w.append(header, `{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"egvs":null,"events":null}`)
	w.time = w.time.Add(-3 * time.Hour)
	w.append(header, dataRange("2026-03-02T00:00:00Z", "2026-03-05T00:00:00Z"))
	k := w.tank("lake", 1)
	defer k.unlock()
	k.load(Study{})
	before := k.rows("coverage")
	k.CommitBytes = 0
	if d := k.replay(Study{}); !d.Identical() {
		sameText(t, "coverage after a replay in one commit", k.rows("coverage"), before)
		t.Errorf("Diff = %+v", d)
	}
}

// aWorld is two people's answers with something of every kind: late, edited,
// vanished, restored, and so many missing that a second answer must agree.
func aWorld(t *testing.T) (*world, *tank, Study) {
	t.Helper()
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 1)
	t.Cleanup(k.unlock)
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	day := dayOf(2, 100)
	w.answer("P1", "A", "egvs", from, to, day...)
	w.answer("P2", "B", "egvs", from, to, day[:50]...)
	w.answer("P1", "A", "egvs", from, to, append(slices.Clone(day[1:60]), egv("d02-060", at(2, "05:00:00"), 140))...) // 39 withheld
	w.answer("P2", "B", "egvs", from, to, day...)
	w.answer("P2", "B", "egvs", from, to, append([]string{`{"recordId":"odd"}`}, day[2:]...)...) // one is gone
	w.answer("P2", "B", "egvs", from, to, day...)                                                // and is back
	study := Study{Participants: []Participant{{ID: "P1", Timezone: "Europe/Berlin"}, {ID: "P2"}}}
	k.load(study)
	return w, k, study
}

// doctor makes a snapshot in which some values of egvs and glucose are what an
// older program would have made of them.
func (k *tank) doctor(participant string, value int16) {
	k.t.Helper()
	m := k.current()
	c := k.Lake.Begin(m)
	for _, name := range []string{"egvs", "glucose"} {
		t := shapeNamed(name)
		for _, f := range m.TableFiles(name) {
			batches, err := readAll(context.Background(), k.Lake, []lake.File{f}, lake.ReadOptions{})
			if err != nil {
				k.t.Fatalf("Read: %v", err)
			}
			w, err := c.Create(t.Table, f.Partition, f.Day)
			if err != nil {
				k.t.Fatalf("Create: %v", err)
			}
			for _, b := range batches {
				if err := w.Write(withValue(t, b, participant, value)); err != nil {
					k.t.Fatalf("Write: %v", err)
				}
				b.Release()
			}
			old, err := w.Close()
			if err != nil {
				k.t.Fatalf("Close: %v", err)
			}
			c.Replace([]lake.File{f}, old)
		}
	}
	_, err := c.Finish(context.Background(), lake.Manifest{Run: "OLD", Program: "0.1", LogPosition: m.LogPosition, Borders: m.Borders, Held: m.Held})
	if err != nil {
		k.t.Fatalf("Finish: %v", err)
	}
}

// withValue returns b with another value in the first row of a participant.
func withValue(t shape, b arrow.RecordBatch, participant string, value int16) arrow.RecordBatch {
	column := b.Column(t.place["glucose_mgdl"]).(*array.Int16)
	values := array.NewInt16Builder(memory.DefaultAllocator)
	done := false
	for row := range column.Len() {
		switch {
		case !done && t.text(b, "participant_id").Value(row) == participant:
			values.Append(value)
			done = true
		case column.IsNull(row):
			values.AppendNull()
		default:
			values.Append(column.Value(row))
		}
	}
	columns := slices.Clone(b.Columns())
	columns[t.place["glucose_mgdl"]] = values.NewArray()
	return array.NewRecordBatch(b.Schema(), columns, b.NumRows())
}

// What an older program made of an answer is put right, and the difference
// says whose rows and in which tables.
func TestReplayReachesOldData(t *testing.T) {
	t.Parallel()
	_, k, study := aWorld(t)
	want := k.all()
	k.doctor("P2", 999)
	if n := k.load(study).Commits; n != 0 {
		t.Fatalf("Load made %d commits: it must not see what only a replay does", n)
	}
	d := k.replay(study)
	if diff := cmp.Diff([]RowCounts{{Table: "glucose", Participant: "P2", Changed: 1}, {Table: "egvs", Participant: "P2", Changed: 1}}, d.Rows); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	sameLakes(t, "replayed", k.all(), want)
	if p := k.current().Program; p == "0.1" {
		t.Errorf("the manifest still says program %s", p)
	}
}

// A replay that is not adopted leaves the lake as it is, to the byte.
func TestReplayDry(t *testing.T) {
	_, k, study := aWorld(t)
	k.doctor("P1", 999)
	before := content(t, k.Lake.Path())
	r, err := k.Replay(t.Context(), study, "")
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Diff(t.Context())
	if err != nil || d.Equal() || len(d.Rows) != 2 {
		t.Errorf("Diff = %+v, %v; want a row of egvs and one of glucose", d, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, content(t, k.Lake.Path())); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}

// content is every file below a folder.
func content(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, folder)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A log from which the lake cannot have been made is refused, by name, before
// anything is written.
func TestReplayRefusesAnotherLog(t *testing.T) {
	w, k, study := aWorld(t)
	own := k.Log
	segments, err := filepath.Glob(filepath.Join(w.dir, "raw/*/*/*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, %v; want one", segments, err)
	}
	other := func(do func(*world)) *raw.Log {
		w := newWorld(t, t.TempDir())
		do(w)
		return w.log
	}
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	tests := []struct {
		name   string
		damage func()
		want   string
	}{
		{"an empty log", func() { k.Log = other(func(*world) {}) }, "it ends at 0:0, the snapshot goes up to 1:"},
		{"a short one", func() { k.Log = other(func(w *world) { w.answer("P1", "A", "egvs", from, to) }) }, "it ends at 1:"},
		{"a longer one of another study", func() {
			k.Log = other(func(w *world) { w.answer("P1", "A", "egvs", from, to, dayOf(2, 3000)...) })
		}, "no answer in it ends at 1:"},
		{"the same but for one answer", func() {
			k.Log = other(func(w *world) { w.copy(own, "REQ000002", "REQ000009") })
		}, "it lacks the answer to request REQ000002 "},
		{"a damaged body", func() { flip(t, segments[0]) }, "raw log damaged: "},
		{"no segment", func() {
			if err := os.Remove(segments[0]); err != nil {
				t.Fatal(err)
			}
		}, "it ends at 0:0"},
	}
	before := content(t, k.Lake.Path())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k.Log = own
			tt.damage()
			r, err := k.Replay(t.Context(), study, "REPLAY")
			if err == nil {
				r.Close()
			}
			var inLog *LogError
			var inSegment *raw.DamageError
			if err == nil || !errors.As(err, &inLog) && !errors.As(err, &inSegment) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Replay = %v, want a LogError or raw.DamageError that says %q", err, tt.want)
			}
			if diff := cmp.Diff(before, content(t, k.Lake.Path())); diff != "" {
				t.Errorf("files of the lake (-before +after):\n%s", diff)
			}
		})
	}
}

// copy appends the answers of another log, one under another id.
func (w *world) copy(from *raw.Log, id, other string) {
	w.t.Helper()
	for e, err := range from.Entries(raw.Position{}) {
		if err != nil {
			w.t.Fatalf("Entries: %v", err)
		}
		body, err := e.Plain()
		if err != nil {
			w.t.Fatalf("Plain: %v", err)
		}
		if e.RequestID == id {
			e.Header.RequestID = other
		}
		if _, err := w.log.Append(context.Background(), e.Header, body); err != nil {
			w.t.Fatalf("Append: %v", err)
		}
	}
}

// A replay that is interrupted leaves the lake as it was.
func TestReplayCancelled(t *testing.T) {
	_, k, study := aWorld(t)
	before := content(t, k.Lake.Path())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Replay(ctx, study, "REPLAY"); !errors.Is(err, context.Canceled) {
		t.Errorf("Replay(cancelled) = %v, want context.Canceled", err)
	}
	r, err := k.Replay(t.Context(), study, "REPLAY")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Adopt(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Adopt(cancelled) = %v, want context.Canceled", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, content(t, k.Lake.Path())); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}
