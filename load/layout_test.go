package load

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/load/lake"
)

// Days behind the border move into the month's ranges, and nothing is lost.
func TestBorder(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	table := "egvs"
	days := func() (hot []string, closed int) {
		m, err := k.Lake.Current()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.TableFiles(table) {
			if f.Day != "" {
				hot = append(hot, f.Day)
			} else {
				closed++
			}
		}
		slices.Sort(hot)
		return hot, closed
	}
	from := now.AddDate(0, 0, -12)
	for _, p := range []string{"P1", "P2"} {
		var records []string
		for d := range 12 {
			records = append(records, egv(fmt.Sprint(p, d), from.AddDate(0, 0, d), 100+d))
		}
		w.answer(p, "A", "egvs", from.Add(-time.Hour), now, records...)
	}
	k.load(Study{})
	if hot, closed := days(); len(hot) != 10 || hot[0] != "2026-03-22" || closed != 1 {
		t.Fatalf("after a backfill: hot days %v, %d closed files; want 2026-03-22 to 31 and 1", hot, closed)
	}
	w.time = w.time.AddDate(0, 0, 3)
	w.answer("P1", "A", "egvs", now.AddDate(0, 0, 2), now.AddDate(0, 0, 3), egv("new", now.AddDate(0, 0, 2), 99))
	k.load(Study{})
	if hot, closed := days(); len(hot) != 8 || hot[0] != "2026-03-25" || closed != 1 {
		t.Fatalf("three days on: hot days %v, %d closed files; want 2026-03-25 to 31, 2026-04-03 and 1", hot, closed)
	}
	was, _ := days()
	k.age(3) // and glucose_days is laid out like glucose when it is made
	k.load(Study{})
	for _, table = range []string{"glucose", glucoseDaysTable} {
		if hot, closed := days(); !slices.Equal(hot, was) || closed != 1 {
			t.Errorf("%s: hot days %v, %d closed files; want %v and 1", table, hot, closed, was)
		}
	}
	if e, g := len(k.rows("egvs")), len(k.rows("glucose")); e != 25 || g != 25 {
		t.Fatalf("three days on: %d egvs, %d readings; want 25 of each", e, g)
	}
	w.time = w.time.AddDate(0, 0, -20) // a server whose clock is wrong
	w.answer("P1", "A", "calibrations", now.AddDate(0, 0, 2), now.AddDate(0, 0, 3))
	k.load(Study{})
	m, err := k.Lake.Current()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Borders["egvs"], time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC); !got.Equal(want) || !m.Borders["glucose"].Equal(want) || !m.Borders[glucoseDaysTable].Equal(want) {
		t.Errorf("borders %v, want %v for all three tables: a border never moves back", m.Borders, want)
	}
	k.checkLayout()
}

// Rows are found again where a file is read in several batches.
func TestEditAcrossBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.time = time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	records := w.backfill(2, 30) // P002's rows lie around row 16,384 of the file
	w.time = w.time.AddDate(0, 1, 0)
	k := w.tank("lake", 0)
	defer k.unlock()
	k.layout = defaultLayout
	k.layout.hotDays = -40 // one file
	k.load(Study{})
	id := readingID(1, at(28, "18:40:00"))
	w.answer("P002", "C", "egvs", at(30, "00:00:00"), at(31, "00:00:00"), egv(id, at(30, "12:00:00"), 77))
	r := k.load(Study{})
	if got, want := r.Tables["egvs"], (Counts{Changed: 1}); got != want {
		t.Errorf("Load of one edited record of %d: %+v, want %+v", records, got, want)
	}
	m, err := k.Lake.Current()
	if err != nil {
		t.Fatal(err)
	}
	if files := m.TableFiles("egvs"); len(files) != 1 || files[0].Rows != int64(records) {
		t.Errorf("%d files, %d rows of egvs; want 1 and %d", len(files), m.Rows("egvs"), records)
	}
	k.checkLayout("egvs")
}

// New participants get files of their own beside and between those there are.
func TestRanges(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	k.layout = defaultLayout
	k.layout.maxFiles = 5
	ask := func(participants ...string) (ranges []string) {
		for _, p := range participants {
			w.answer(p, "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), egv(p+fmt.Sprint(w.n), at(2, "12:00:00"), 100))
		}
		k.load(Study{})
		m, err := k.Lake.Current()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.TableFiles("egvs") {
			ranges = append(ranges, fmt.Sprintf("%s-%s:%d", f.FirstParticipant, f.LastParticipant, f.Rows))
		}
		slices.Sort(ranges)
		return ranges
	}
	for _, step := range []struct{ add, want []string }{
		{[]string{"P2", "P4"}, []string{"P2-P4:2"}},
		{[]string{"P0", "P1", "P3", "P7"}, []string{"P0-P1:2", "P2-P4:3", "P7-P7:1"}},
		{[]string{"P5", "P6", "P9"}, []string{"P0-P1:2", "P2-P4:3", "P5-P6:2", "P7-P7:1", "P9-P9:1"}},
	} {
		if got := ask(step.add...); !slices.Equal(got, step.want) {
			t.Errorf("files after adding %v: %v, want %v", step.add, got, step.want)
		}
	}
	k.layout.maxFiles = 3
	if got, want := ask("P8"), []string{"P0-P7:8", "P8-P8:1", "P9-P9:1"}; !slices.Equal(got, want) {
		t.Errorf("files when there are too many small ones: %v, want %v: that which is new stays for itself", got, want)
	}
	k.layout.maxFiles, k.layout.maxNew = 1, 0
	if got, want := ask("P8"), []string{"P0-P9:11"}; !slices.Equal(got, want) {
		t.Errorf("files when there may be no new ones: %v, want %v", got, want)
	}
	k.checkLayout()
}

// Files that are joined are copied if they have rows enough: their row groups stay as
// they are, those of other files beside them. Smaller ones become one.
func TestJoinedFilesAreCopied(t *testing.T) {
	for minGroup, want := range map[int64]int{1: 3, 2: 1} {
		w := newWorld(t, t.TempDir())
		k := w.tank("lake", 0)
		k.layout = defaultLayout
		k.layout.maxFiles, k.layout.maxNew, k.layout.minGroup = 2, 0, minGroup
		for _, p := range []string{"P1", "P3", "P2"} {
			w.answer(p, "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), egv(p, at(2, "12:00:00"), 100))
			k.load(Study{})
		}
		files := k.current().TableFiles("egvs")
		if len(files) != 1 {
			t.Fatalf("%d files of egvs, want 1", len(files))
		}
		in, err := file.OpenParquetFile(filepath.Join(k.Lake.Path(), files[0].Path), false)
		if err != nil {
			t.Fatal(err)
		}
		if got := in.NumRowGroups(); got != want {
			t.Errorf("from %d rows on: %d row groups of files with one row each, want %d", minGroup, got, want)
		}
		in.Close()
		k.checkLayout()
		k.unlock()
	}
}

// An event is found whatever month it moved from.
func TestEventMovesFar(t *testing.T) {
	for _, commitBytes := range []int64{0, 1} {
		w := newWorld(t, t.TempDir())
		for _, month := range []time.Month{time.January, time.June} {
			from := time.Date(2026, month, 10, 0, 0, 0, 0, time.UTC)
			w.time = from.AddDate(0, 0, 30)
			w.answer("P1", "A", "events", from, from.AddDate(0, 0, 10), event("x", "carbs", "5", "created", from.AddDate(0, 0, 5)))
		}
		k := w.tank("lake", commitBytes)
		k.load(Study{})
		sameText(t, "events", k.rows("events", "record_id", "system_time"), []string{"record_id=x system_time=2026-06-15T00:00:00"})
		sameText(t, "changes", k.rows("changes", "kind"), []string{"kind=moved"})
		k.unlock()
	}
}

// A record whose time moved further than its answer is looked up leaves a row
// behind, until an answer reaches both.
func TestFarMove(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ask := func(month time.Month) {
		from := time.Date(2026, month, 10, 0, 0, 0, 0, time.UTC)
		w.answer("P1", "A", "egvs", from, from.AddDate(0, 0, 10), egv("x", from.AddDate(0, 0, 5), 100))
	}
	ask(time.January)
	ask(time.March)
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes, w.n), commitBytes)
		k.load(Study{})
		if n := len(k.rows("egvs")); n != 2 {
			t.Errorf("moved by two months, %d bytes per commit: %d rows, want 2", commitBytes, n)
		}
		k.unlock()
	}
	ask(time.February)
	for _, commitBytes := range []int64{0, 1} {
		k := w.tank(fmt.Sprint("lake", commitBytes, w.n), commitBytes)
		k.load(Study{})
		sameText(t, "egvs", k.rows("egvs", "record_id", "system_time"), []string{"record_id=x system_time=2026-02-15T00:00:00"})
		sameText(t, "changes", k.rows("changes", "kind", "request_id"), []string{"kind=edited request_id=REQ000003", "kind=moved request_id=REQ000003"})
		k.unlock()
	}
}

// A device's second clock and a phone make one reading, and the count says so.
func TestGlucoseMerged(t *testing.T) {
	w := newWorld(t, t.TempDir())
	phone := egv("b", at(1, "00:00:30"), 100)
	// The receiver's clock is two minutes behind: in another month.
	other := strings.NewReplacer(`"iOS"`, `"receiver"`, "2026-03-01T00:00:30Z", "2026-02-28T23:58:30Z").Replace(strings.Replace(phone, `"b"`, `"a"`, 1))
	w.answer("P1", "A", "egvs", at(1, "00:00:00").AddDate(0, 0, -2), at(1, "00:00:00"), other)
	w.answer("P1", "A", "egvs", at(1, "00:00:00"), at(2, "00:00:00"), phone,
		egv("c", at(1, "12:00:00"), 90), egv("d", at(1, "12:00:00"), 95))
	k := w.tank("lake", 1)
	defer k.unlock()
	r := k.load(Study{})
	sameText(t, "glucose", k.rows("glucose", "time_utc", "glucose_mgdl", "n_sources"), []string{
		"time_utc=2026-03-01T00:00:30 glucose_mgdl=100 n_sources=2",
		"time_utc=2026-03-01T12:00:00 glucose_mgdl=90 n_sources=2",
	})
	if r.Conflicts != 1 {
		t.Errorf("Load: %d conflicts, want 1", r.Conflicts)
	}
}

// However many commits there are, a month has few files, and a row is written a few
// times: also where the windows of many people come mixed.
func TestWrittenAFewTimes(t *testing.T) {
	oneAfterTheOther(t)
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	const people, atOnce, windows = 32, 4, 6
	w.time = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var written, records int64
	before := make(map[string]bool)
	for first := 0; first < people; first += atOnce {
		for n := range windows {
			for p := first; p < first+atOnce; p++ {
				from := start.AddDate(0, 0, 30*n)
				sent := every(6*time.Hour, from, from.AddDate(0, 0, 30), func(r *sent) { r.id = fmt.Sprint(p, r.id) })
				records += int64(len(sent))
				w.answer(fmt.Sprintf("P%03d", p), "A", "egvs", from, from.AddDate(0, 0, 30), jsonOf(sent)...)
			}
			k.load(Study{})
			m, err := k.Lake.Current()
			if err != nil {
				t.Fatal(err)
			}
			closed := make(map[string]int)
			for _, f := range m.Files {
				if f.Table == "egvs" && !before[f.Path] {
					written += f.Rows
				}
				before[f.Path] = true
				if closed[f.Table+f.Partition] += bit(f.Day == ""); closed[f.Table+f.Partition] > 6 {
					t.Fatalf("snapshot %d: more than 6 closed files in %s %s", m.Snapshot, f.Table, f.Partition)
				}
			}
		}
	}
	if factor := float64(written) / float64(records); factor > 4 {
		t.Errorf("%d rows of egvs are written for %d: %.1f times each, want at most 4", written, records, factor)
	} else {
		t.Logf("each row of egvs is written %.1f times", factor)
	}
	k.checkLayout("egvs")
}

// A row is written a few times also where the log is far ahead of the lake: participants
// come one after the other, some at once, and most commits cut through those. That goes
// for closed months and for the last days, which all participants have rows in.
func TestWrittenAFewTimesOfALongLog(t *testing.T) {
	oneAfterTheOther(t)
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 200<<10)
	defer k.unlock()
	k.layout = defaultLayout
	k.layout.minGroup = 32
	const people, atOnce, windows, days = 96, 3, 3, 20
	stand := w.time
	for first := 0; first < people; first += atOnce {
		for n := range windows {
			for p := first; p < first+atOnce; p++ {
				w.time = stand
				from := stand.Truncate(24*time.Hour).AddDate(0, 0, (n-windows)*days)
				sent := every(6*time.Hour, from, from.AddDate(0, 0, days), func(r *sent) { r.id = fmt.Sprint(p, r.id) })
				w.answer(fmt.Sprintf("P%03d", p), "A", "egvs", from, from.AddDate(0, 0, days), jsonOf(sent)...)
			}
		}
	}
	kindOf := func(f lake.File) string {
		if f.Day == "" {
			return "before the border"
		}
		return "of the last days"
	}
	seen, written, rows := make(map[string]bool), make(map[string]int64), make(map[string]int64)
	k.Committed = func(_ context.Context, m lake.Manifest) {
		files := make(map[string]int)
		clear(rows)
		for _, f := range m.TableFiles("egvs") {
			rows[kindOf(f)] += f.Rows
			if !seen[f.Path] {
				written[kindOf(f)] += f.Rows
			}
			seen[f.Path] = true
			if files[f.Partition+f.Day]++; files[f.Partition+f.Day] > 6 {
				t.Errorf("snapshot %d: more than 6 files of %s %s", m.Snapshot, f.Partition, f.Day)
			}
		}
	}
	if r := k.load(Study{}); r.Commits < 30 {
		t.Fatalf("%d commits, want many", r.Commits)
	}
	for kind, n := range written {
		if factor := float64(n) / float64(rows[kind]); factor > 4 {
			t.Errorf("rows %s are written %.1f times, want at most 4", kind, factor)
		} else {
			t.Logf("rows %s are written %.1f times", kind, factor)
		}
	}
	k.checkLayout()
	one := w.tank("one", 0)
	defer one.unlock()
	one.load(Study{})
	for _, table := range []string{"egvs", "glucose", glucoseDaysTable} {
		sameText(t, table+" of many commits", k.rows(table), one.rows(table))
	}
}

// The same log makes the same files, byte by byte, on any number of threads.
func TestSameFilesOnAnyNumberOfThreads(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.backfill(5, 70)
	for p := range 5 { // and some news
		from := w.time.AddDate(0, 0, -3)
		records := every(5*time.Minute, from, from.AddDate(0, 0, 2), func(r *sent) { r.id, r.value = fmt.Sprint(p, r.id), 123 })
		w.answer(fmt.Sprintf("P%03d", p), "A", "egvs", from, from.AddDate(0, 0, 3), jsonOf(records)...)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []string
	for _, threads := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(threads)
		k := w.tank(fmt.Sprint("lake", threads), 6<<20)
		if r := k.load(Study{}); r.Commits < 3 {
			t.Fatalf("%d commits, want several", r.Commits)
		}
		m, err := k.Lake.Current()
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, f := range m.Files {
			files = append(files, fmt.Sprint(f.Table, " ", f.Partition, " ", f.Day, " ", f.Rows, " ", f.SHA256))
		}
		if first == nil {
			first = files
		}
		sameText(t, fmt.Sprint("files at GOMAXPROCS ", threads), files, first)
		k.unlock()
	}
}
