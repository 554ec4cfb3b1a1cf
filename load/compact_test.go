package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/raw"
)

// compact folds what is in the log, closes it with the answer that another asks
// for and compacts all but that.
func (w *world) compact(k *tank, study Study, another func()) raw.Compaction {
	w.t.Helper()
	if err := w.log.Seal(w.time.AddDate(1, 0, 0)); err != nil {
		w.t.Fatalf("Seal: %v", err)
	}
	another()
	k.load(study)
	c := Compactor{Lake: k.Lake, Log: k.Log, Now: func() time.Time { return w.time.AddDate(1, 0, 0) }, Segments: 1000}
	done, err := c.Run(context.Background())
	if err != nil {
		w.t.Fatalf("compact: %v", err)
	}
	return done
}

func (h *history) compact(k *tank, study Study) raw.Compaction {
	h.t.Helper()
	return h.world.compact(k, study, func() { h.ask([2]string{"P5", "egvs"}, "A", slots, slots.AddDate(0, 0, 1), false) })
}

// A lake folded from the compacted log, from position 0, is the one that was
// folded as the answers came, whenever the log was compacted; and both go on
// alike.
func TestCompactedLogGivesTheSameLake(t *testing.T) {
	t.Parallel()
	n, dropped := 0, 0
	histories(t, func(t *rapid.T, h *history) {
		n++
		live := h.tank("live", rapid.SampledFrom([]int64{1, 20000}).Draw(t, "commit bytes"))
		defer live.unlock()
		study := historyStudy()
		for range rapid.IntRange(10, 60).Draw(t, "steps") {
			h.step(t)
			if rapid.IntRange(0, 9).Draw(t, "compact?") == 0 {
				h.odd(t)
				dropped += h.compact(live, study).Dropped
			}
		}
		dropped += h.compact(live, study).Dropped
		h.replay(live, "replayed", study)
		for range rapid.IntRange(0, 10).Draw(t, "steps after") {
			h.step(t)
		}
		live.load(study)
		h.replay(live, "replayed later", study)
	})
	if dropped == 0 {
		t.Error("no body was dropped: this test shows nothing")
	}
	t.Logf("%d bodies dropped in %d histories", dropped, n)
}

// replay compares live with a lake folded from the start, in commits of another
// size.
func (h *history) replay(live *tank, name string, study Study) {
	h.t.Helper()
	replayed := h.tank(name, 100_000)
	defer replayed.unlock()
	replayed.load(study)
	sameLakes(h.t, name, replayed.all(), live.all())
}

// odd appends what histories do not have: ranges, devices and records that
// cannot be read, twice each.
func (h *history) odd(t *rapid.T) {
	from, to := at(2, "00:00:00"), at(4, "00:00:00")
	for range 2 {
		switch rapid.IntRange(0, 3).Draw(t, "odd") {
		case 0:
			h.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}, ranges(to))
		case 1:
			h.answer("P1", "A", "calibrations", from, to, `{"recordId":"c","systemTime":"soon"}`)
		case 2:
			h.answer("P1", "A", "devices", time.Time{}, time.Time{}, device(rapid.IntRange(1, 2).Draw(t, "upload")))
		case 3:
			h.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "events", WindowStart: from, WindowEnd: to}, `{"records":`)
		}
	}
}

func ranges(end time.Time) string {
	moment := func(t time.Time) string {
		return fmt.Sprintf(`{"systemTime":%q,"displayTime":%q}`, t.Format("2006-01-02T15:04:05"), t.Format("2006-01-02T15:04:05"))
	}
	return fmt.Sprintf(`{"recordType":"dataRange","recordVersion":"3.0","userId":"u","egvs":{"start":%s,"end":%s}}`, moment(at(1, "00:00:00")), moment(end))
}

func device(upload int) string {
	return fmt.Sprintf(`{"lastUploadDate":"2026-03-0%dT00:00:00Z","transmitterId":"T","transmitterGeneration":"g7","displayDevice":"iOS","displayApp":"G7","alertSchedules":[]}`, upload)
}

// Which answers count and which only confirm.
func TestConfirms(t *testing.T) {
	t.Parallel()
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	day := dayOf(2, 100)
	ask := func(records ...string) func(*world) {
		return func(w *world) { w.answer("P1", "A", "egvs", from, to, records...) }
	}
	of := func(resource string, records ...string) func(*world) {
		return func(w *world) { w.answer("P1", "A", resource, from, to, records...) }
	}
	late := func(w *world) { w.time = w.time.Add(24 * time.Hour) }
	as := func(user string) func(*world) { return func(w *world) { w.user = user; ask()(w) } }
	bad := `{"recordId":"x","systemTime":"yesterday","value":100}`
	note := `{"recordId":"n","systemTime":"2026-03-02T12:00:00Z","displayTime":"2026-03-02T12:00:00+00:00","eventType":"notes","value":"%s","eventStatus":"created"}`
	tests := []struct {
		name string
		asks []func(*world) // nil: waits a day
		want string         // per answer: c confirms, e has an effect
	}{
		{"the same again", []func(*world){ask(day...), ask(day...), ask(day...)}, "ecc"},
		{"nothing there; the first one says whose it is", []func(*world){ask(), ask()}, "ec"},
		{"nobody says whose it is", []func(*world){as(""), ask(), ask(), as("u"), ask()}, "cccec"},
		{"an edit, and it again", []func(*world){ask(egv("x", at(2, "12:00:00"), 1)), ask(egv("x", at(2, "12:00:00"), 2)), ask(egv("x", at(2, "12:00:00"), 2))}, "eec"},
		{"gone, gone, back, there", []func(*world){ask(day[:2]...), ask(day[:1]...), ask(day[:1]...), ask(day[:2]...), ask(day[:2]...)}, "eecec"},
		{"many gone, waiting, waiting, confirmed, still gone", []func(*world){ask(day...), ask(day[60:]...), ask(day[60:]...), late, ask(day[60:]...), ask(day[60:]...)}, "eeeec"},
		{"many gone, back while waiting, there", []func(*world){ask(day...), ask(day[60:]...), ask(day...), ask(day...)}, "eeec"},
		{"a reject, known, and another", []func(*world){ask(bad), ask(bad), ask(bad, strings.Replace(bad, "100", "101", 1))}, "ece"},
		{"a note, the same, another text", []func(*world){of("events", fmt.Sprintf(note, "a")), of("events", fmt.Sprintf(note, "a")), of("events", fmt.Sprintf(note, "b"))}, "ece"},
		{"a device, the same, a later upload", []func(*world){of("devices", device(1)), of("devices", device(1)), of("devices", device(2)), of("devices", device(1))}, "ecec"},
		{"held", []func(*world){func(w *world) {
			w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "egvs", WindowStart: from, WindowEnd: to}, `{`)
		}}, "e"},
		{"ranges always count", []func(*world){
			func(w *world) {
				w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}, ranges(to))
			},
			func(w *world) {
				w.append(raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "dataRange"}, ranges(to))
			},
		}, "ee"},
	}
	for _, tt := range tests {
		for _, commitBytes := range []int64{0, 1} {
			t.Run(fmt.Sprint(tt.name, commitBytes), func(t *testing.T) {
				w := newWorld(t, t.TempDir())
				for _, ask := range tt.asks {
					ask(w)
				}
				k := w.tank("lake", commitBytes)
				defer k.unlock()
				k.load(Study{})
				got := ""
				for _, row := range k.rows("requests", "request_id", "confirms") {
					got += map[bool]string{true: "c", false: "e"}[strings.HasSuffix(row, "=true")]
				}
				if got != tt.want {
					t.Fatalf("answers %q, want %q", got, tt.want)
				}
				another := func() { w.answer("P9", "A", "egvs", from, to) }
				if c, want := w.compact(k, Study{}, another), strings.Count(tt.want, "c"); c.Dropped != want || c.Answers != len(tt.want) {
					t.Errorf("compact: %+v; want %d of %d bodies dropped", c, want, len(tt.want))
				}
				again := w.tank("again", 0)
				defer again.unlock()
				again.load(Study{})
				sameLakes(t, "replayed", again.all(), k.all())
			})
		}
	}
}

// A damaged segment is named and stops no other; nothing that is not folded or
// not closed is touched.
func TestCompactorLeavesWhatItMust(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	for day := range 4 {
		w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), dayOf(2, 50+day)...)
		if err := w.log.Seal(w.time); err != nil {
			t.Fatal(err)
		}
		w.time = w.time.Add(48 * time.Hour)
	}
	w.time = w.time.Add(-47 * time.Hour) // the fourth began an hour ago
	run := func() (raw.Compaction, error) {
		c := Compactor{Lake: k.Lake, Log: k.Log, Now: func() time.Time { return w.time }}
		return c.Run(t.Context())
	}
	if done, err := run(); err != nil || done.Segments != 0 {
		t.Errorf("before the fold: %+v, %v; want nothing done", done, err)
	}
	k.load(Study{})
	segments, err := filepath.Glob(w.dir + "/raw/*/*/*.seg")
	if err != nil || len(segments) != 4 {
		t.Fatalf("segments %v, %v; want 4", segments, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-60] ^= 1
	if err := os.WriteFile(segments[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := run()
	var damage *raw.DamageError
	if !errors.As(err, &damage) || damage.File != segments[0] || done.Segments != 2 {
		t.Errorf("Run: %+v, %v; want segments 2 and 3 done and %s named", done, err, segments[0])
	}
}
