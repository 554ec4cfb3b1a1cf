package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// A memory is a cache that outlives an index.
type memory struct {
	content []byte
	stored  int
	err     error
}

func (m *memory) Load() ([]byte, error) { return m.content, m.err }

func (m *memory) Store(content []byte) error {
	m.content, m.stored = content, m.stored+1
	return m.err
}

// written is a log under test, and a copy of it for every moment that is returned to.
type written struct {
	*rapid.T
	dir string
	log *raw.Log
	n   int
	now time.Time
}

var keptResources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices, dexcom.DataRange, "carbs"}

// rangesBody is an answer of dataRange, now and then one that cannot be read.
func rangesBody(t *rapid.T) string {
	one := func(name string) string {
		if rapid.IntRange(0, 3).Draw(t, name) == 0 {
			return "null"
		}
		start := epoch.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "start")) * 7 * time.Minute)
		end := start.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "length")) * 1234567 * time.Microsecond)
		const at = `{"systemTime":"%[1]s","displayTime":"%[1]s"}`
		text := func(t time.Time) string { return fmt.Sprintf(at, t.Format("2006-01-02T15:04:05.999999999")) }
		return fmt.Sprintf(`{"start":%s,"end":%s}`, text(start), text(end))
	}
	if rapid.IntRange(0, 30).Draw(t, "broken") == 0 {
		return `{"recordType":`
	}
	return fmt.Sprintf(`{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":%s,"egvs":%s,"events":%s}`, one("calibrations"), one("egvs"), one("events"))
}

// grow appends answers of a few people, of all resources.
func (w *written) grow(n int) {
	for range n {
		w.n++
		w.now = w.now.Add(time.Duration(rapid.IntRange(0, 9000).Draw(w.T, "later")) * time.Second)
		h := raw.Header{
			RequestID: fmt.Sprint("r", w.n), ParticipantID: rapid.SampledFrom([]string{"P1", "P2", "P3"}).Draw(w.T, "who"),
			ConnectionID: rapid.SampledFrom([]string{"c", "d"}).Draw(w.T, "connection"), Resource: string(rapid.SampledFrom(keptResources).Draw(w.T, "resource")),
			Beat: rapid.SampledFrom([]string{BeatBackfill, BeatNews, BeatConnect}).Draw(w.T, "beat"), AskedAt: w.now, Status: 200,
		}
		body := "{}"
		switch dexcom.Resource(h.Resource) {
		case dexcom.DataRange:
			body = rangesBody(w.T)
			if rapid.Bool().Draw(w.T, "news") {
				h.LastSync = w.now.Add(-time.Hour)
			}
		case dexcom.Devices:
		default:
			from := rapid.IntRange(-300, 300).Draw(w.T, "from")
			at := span(from, from+rapid.IntRange(0, 60).Draw(w.T, "hours"))
			h.WindowStart, h.WindowEnd, h.Records = at.Start, at.End, rapid.IntRange(0, 1).Draw(w.T, "records")
		}
		switch rapid.IntRange(0, 3).Draw(w.T, "server") {
		case 0:
			h.ServerDate = w.now.Add(time.Second).Truncate(time.Second)
		case 1:
			h.ServerDate = w.now.Add(-time.Hour).Truncate(time.Second) // our clock is ahead
		}
		w.must(func() error { _, err := w.log.Append(context.Background(), h, []byte(body)); return err }())
	}
}

func (w *written) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

// reopen is what a new process does.
func (w *written) reopen() {
	var err error
	w.must(w.log.Close())
	w.log, err = openLog(w.dir)
	w.must(err)
}

// compact closes the last segment and compacts all others.
func (w *written) compact() {
	w.must(w.log.Seal(w.now.Add(time.Hour)))
	segments, err := w.log.Segments()
	w.must(err)
	for _, s := range segments {
		if !s.Last {
			_, err := w.log.Compact(context.Background(), s.Number, func(e raw.Entry) raw.Fate { return raw.Fate{Drop: e.Resource != string(dexcom.DataRange)} })
			w.must(err)
		}
	}
}

// knows is all that an index says of its log, and all that is planned from it.
func (w *written) knows(cache Cache) string {
	var b strings.Builder
	now := w.now.Add(time.Hour)
	x, _, err := OpenIndex(w.log, cache)
	w.must(err)
	for _, k := range slices.SortedFunc(maps.Keys(x.held), func(a, b holder) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		h := x.Held(k.participant, k.connection)
		fmt.Fprintln(&b, k, h.Coverage, h.Found, h.Devices)
		for _, s := range append(h.shown(), h.Full) {
			if s == nil {
				continue
			}
			fmt.Fprint(&b, " ", s.RequestID, s.Beat, s.Asked, s.Server, s.LastSync, s == h.Full, s.err)
			s.each(func(r dexcom.Resource, at dexcom.Range) { fmt.Fprint(&b, " ", r, at) })
			fmt.Fprintln(&b)
		}
	}
	fmt.Fprintln(&b, x.volumes)
	if cache != nil {
		w.must(x.Keep(w.log, cache, rapid.IntRange(1, 20).Draw(w.T, "keep after"), nil))
	}
	for _, mode := range []Mode{Backfill, Sync, Refresh} {
		for _, who := range []string{"P1", "P2", "P3"} {
			for _, c := range []string{"c", "d"} {
				forecast, err := Foresee([]State{{
					Job: Job{Mode: mode}, ParticipantID: who, Consented: span(-200, 2000), Held: x.Held(who, c), Now: now,
					Resources: []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices},
				}}, x)
				fmt.Fprintln(&b, mode, who, c, forecast, err)
			}
		}
	}
	return b.String()
}

// spoil makes what is kept something else.
func (w *written) spoil(content []byte) []byte {
	content = slices.Clone(content)
	if len(content) == 0 {
		return nil
	}
	at := rapid.IntRange(0, len(content)-1).Draw(w.T, "at")
	switch rapid.IntRange(0, 4).Draw(w.T, "damage") {
	case 0:
		return content[:at]
	case 1:
		content[at] ^= 1 << rapid.IntRange(0, 7).Draw(w.T, "bit")
		return content
	case 2:
		return append(content, 0)
	case 3:
		return make([]byte, len(content))
	}
	return nil
}

// A run plans from the kept index what it plans from the whole log: however much
// came since, whatever became of the file, after compaction, and where the log is
// another one or an older one than it was kept of.
func TestKeptIndexPlansTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		w := &written{T: rt, dir: filepath.Join(dir, "log"), now: epoch}
		var err error
		w.log, err = openLog(w.dir)
		w.must(err)
		defer func() { w.must(w.log.Close()) }()
		cache := &memory{}
		kept := [][]byte{nil} // what was kept at any time, of this log and others
		for step := range rapid.IntRange(1, 5).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				w.compact()
			case 1:
				w.must(w.log.Seal(w.now.Add(time.Hour)))
			case 2:
				cache.content = w.spoil(cache.content)
			case 3:
				cache.content = rapid.SampledFrom(kept).Draw(rt, "kept")
			case 4: // from a backup, or begun anew
				backup := filepath.Join(dir, fmt.Sprint("backup", step))
				w.must(os.CopyFS(backup, os.DirFS(w.dir)))
				w.grow(rapid.IntRange(0, 5).Draw(rt, "lost"))
				w.knows(cache)
				w.dir = backup
				if rapid.IntRange(0, 3).Draw(rt, "anew") == 0 {
					w.dir = filepath.Join(dir, fmt.Sprint("log", step))
				}
				w.reopen()
			}
			w.grow(rapid.IntRange(0, 12).Draw(rt, "answers"))
			w.reopen()
			got := w.knows(cache)
			if want := w.knows(nil); got != want {
				rt.Fatalf("step %d: from what is kept:\n%s\nfrom the log:\n%s", step, got, want)
			}
			kept = append(kept, cache.content)
		}
	})
}

// keptLog is a log with three closed segments and one that is open, and its index as
// it was kept.
func keptLog(t *testing.T) (log *raw.Log, dir string, cache *memory) {
	t.Helper()
	dir = t.TempDir()
	log, err := openLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	for n := range 8 {
		h := raw.Header{ParticipantID: "P1", ConnectionID: "c", Resource: "egvs", AskedAt: epoch.Add(time.Duration(n) * time.Hour), WindowStart: span(n, n+1).Start, WindowEnd: span(n, n+1).End}
		_, err := log.Append(t.Context(), h, []byte("{}"))
		if err == nil && n%2 == 1 && n < 7 {
			err = log.Seal(h.AskedAt.Add(time.Hour))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cache = &memory{}
	if err := new(Index).Keep(log, cache, 1, nil); err != nil || cache.content == nil {
		t.Fatalf("Keep: %v, %d bytes kept", err, len(cache.content))
	}
	return log, dir, cache
}

// A closed segment that was cut, replaced or removed since the index was kept is
// found, as it is without one; one that was compacted is not read again.
func TestKeptIndexSeesItsSegments(t *testing.T) {
	segment := func(dir string, n int) string {
		return filepath.Join(dir, epoch.Format("2006/01"), fmt.Sprintf("%010d.seg", n))
	}
	for name, spoil := range map[string]func(dir string) error{
		"cut":                  func(dir string) error { return os.Truncate(segment(dir, 2), 100) },
		"longer":               func(dir string) error { return os.Truncate(segment(dir, 1), 10_000) },
		"removed":              func(dir string) error { return os.Remove(segment(dir, 3)) },
		"the last one removed": func(dir string) error { return os.Remove(segment(dir, 4)) },
	} {
		log, dir, cache := keptLog(t)
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		_, anew, with := OpenIndex(log, cache)
		_, _, without := OpenIndex(log, nil)
		if fmt.Sprint(with) != fmt.Sprint(without) || anew == nil {
			t.Errorf("%s: %v with what is kept (made anew: %v), %v without", name, with, anew, without)
		}
	}
	log, _, cache := keptLog(t)
	for n := range uint64(3) {
		if _, err := log.Compact(t.Context(), n+1, func(raw.Entry) raw.Fate { return raw.Fate{} }); err != nil {
			t.Fatal(err)
		}
	}
	if x, anew, err := OpenIndex(log, cache); anew != nil || err != nil || x.read != 0 || x.position.Segment != 4 {
		t.Errorf("index of a log that was compacted since: %v, %v, up to %s, %d entries read", anew, err, x.position, x.read)
	}
}

// The index is kept when much was read since it was kept last, and not before.
func TestIndexIsKeptNowAndThen(t *testing.T) {
	log, _, cache := keptLog(t)
	keep := func(after int) error {
		x, anew, err := OpenIndex(log, cache)
		if anew != nil || err != nil {
			t.Fatal(anew, err)
		}
		return x.Keep(log, cache, after, nil)
	}
	if err := keep(1); err != nil {
		t.Fatal(err)
	}
	if cache.stored != 1 {
		t.Errorf("kept %d times, want once: nothing came since", cache.stored)
	}
	for n := range 3 {
		if _, err := log.Append(t.Context(), raw.Header{ParticipantID: "P1", ConnectionID: "c", Resource: "egvs", AskedAt: epoch.AddDate(0, 0, n+1)}, nil); err != nil {
			t.Fatal(err)
		}
		if err := keep(3); err != nil || cache.stored != 1+n/2 {
			t.Errorf("%v, kept %d times after %d answers, want %d: at every third one", err, cache.stored, n+1, 1+n/2)
		}
	}
	cache.err = os.ErrPermission
	x, anew, err := OpenIndex(log, cache)
	if !errors.Is(anew, os.ErrPermission) || err != nil || len(x.held) == 0 {
		t.Errorf("what is kept cannot be read: made anew because of %v, %v, %d held", anew, err, len(x.held))
	}
	if err := x.Keep(log, cache, 1, nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("Keep where that is not permitted: %v", err)
	}
}
