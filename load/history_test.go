package load

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/raw"
)

// Every check writes a few lakes with all their fsyncs: few checks, and in
// memory where the system has a folder for that. The collector empties the pool
// of compressors, which are costly to make under the race detector.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400)
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", "/dev/shm")
	}
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// oneAfterTheOther marks a test of much, or of many folds one after the other. What goes
// on at once within a fold, all other tests have, too: the race detector would see nothing
// new, at several times the price. make test runs the test without it.
func oneAfterTheOther(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one fold after the other: make test runs it without the race detector")
	}
}

// A history is what an API had and served while a study asked it.
type history struct {
	*world
	models map[string]*model
	api    map[[2]string][]modelRecord // participant, resource
	gone   map[[2]string][]modelRecord
	asked  []asked
	ranges []ranged
	users  map[[2]string]string // participant, connection: of the first answer that told
	ids    int
}

// asked is an answer and what it served.
type asked struct {
	raw.Header
	served []modelRecord
	ranges int // how many answers of dataRange came before it
}

func newHistory(t fataler, dir string) *history {
	return &history{
		world: newWorld(t, dir), models: map[string]*model{"egvs": newModel("egvs"), "events": newModel("events")},
		api: map[[2]string][]modelRecord{}, gone: map[[2]string][]modelRecord{}, users: map[[2]string]string{},
	}
}

// histories lets do live through histories, each in a folder of its own. Whatever
// takes memory for rows releases it.
func histories(t *testing.T, do func(*rapid.T, *history)) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		h := newHistory(t, fmt.Sprintf("%s/%d", dir, n))
		defer os.RemoveAll(h.dir)
		defer h.log.Close()
		h.mem = mem
		do(t, h)
	})
}

// historyStudy is the study of histories: A2 leads to the account of A.
func historyStudy() Study {
	return Study{
		Participants: []Participant{{ID: "P1", Timezone: "Europe/Berlin"}, {ID: "P2"}},
		Connections: []Connection{
			{ID: "A", ParticipantID: "P1", AccountHash: "a"}, {ID: "A2", ParticipantID: "P1", AccountHash: "a"},
			{ID: "B", ParticipantID: "P1", AccountHash: "b"},
		},
	}
}

// accountOf is the account of a connection.
func accountOf(connection string) string { return strings.TrimSuffix(connection, "2") }

var slots = time.Date(2026, 1, 25, 0, 0, 0, 0, time.UTC) // and 66 days on

func (h *history) step(t *rapid.T) {
	key := [2]string{
		rapid.SampledFrom([]string{"P1", "P1", "P1", "P2", "P3", "P4", "P5"}).Draw(t, "participant"),
		rapid.SampledFrom([]string{"egvs", "egvs", "events"}).Draw(t, "resource"),
	}
	have := h.api[key]
	which := 0
	if len(have) > 0 {
		which = rapid.IntRange(0, len(have)-1).Draw(t, "which")
	}
	about := slots.AddDate(0, 0, rapid.IntRange(0, 65).Draw(t, "day"))
	op := rapid.SampledFrom([]string{"add", "add", "edit", "move", "remove", "return", "wait", "ask", "range"}).Draw(t, "op")
	switch {
	case op == "add":
		h.add(key, about, rapid.SampledFrom([]int{1, 3, 30}).Draw(t, "n"))
	case op == "wait":
		h.time = h.time.Add(30 * time.Hour)
	case op == "range":
		h.askRange(t, key[0])
	case op == "return" && len(h.gone[key]) > 0:
		about = h.gone[key][0].time
		h.api[key] = append(have, h.gone[key]...)
		h.gone[key] = nil
	case op == "edit" && len(have) > 0:
		r := &have[which]
		r.value++
		about = r.time
		if r.status != "" {
			r.status = rapid.SampledFrom([]string{"updated", "deleted"}).Draw(t, "status")
		}
	case op == "move" && len(have) > 0:
		reach := 10 // all within the months that an answer is looked up in
		if key[1] == "events" {
			reach = 60
		}
		r := &have[which]
		r.time = r.home.AddDate(0, 0, rapid.IntRange(-reach, reach).Draw(t, "days"))
		if r.time.After(now) { // the API has no future, or transform rejects it
			r.time = r.home
		}
		about = r.time
	case op == "remove" && len(have) > 0:
		about = have[which].time
		to := min(len(have), which+rapid.SampledFrom([]int{1, 2, 40}).Draw(t, "n"))
		h.gone[key] = append(h.gone[key], have[which:to]...)
		h.api[key] = slices.Delete(have, which, to)
	}
	if rapid.IntRange(0, 3).Draw(t, "ask?") == 0 {
		return
	}
	days := rapid.SampledFrom([]int{1, 7, 30, 30}).Draw(t, "days")
	from := about.Truncate(24*time.Hour).AddDate(0, 0, -rapid.IntRange(0, days-1).Draw(t, "from"))
	connection := rapid.SampledFrom([]string{"A", "A", "A", "A2", "B"}).Draw(t, "connection")
	h.user = rapid.SampledFrom([]string{"u", "u", "u", "u", "", "v"}).Draw(t, "user")
	if rapid.IntRange(0, 4).Draw(t, "glitch") == 0 {
		h.tell(key, connection, from, from.AddDate(0, 0, days), nil)
	} else {
		h.ask(key, connection, from, from.AddDate(0, 0, days), rapid.Bool().Draw(t, "old too"))
	}
	h.user = "u"
}

func (h *history) add(key [2]string, from time.Time, n int) {
	status := ""
	if key[1] == "events" {
		status = "created"
	}
	for i := range n {
		h.ids++
		home := from.Add(time.Hour + time.Duration(i)*5*time.Minute)
		h.api[key] = append(h.api[key], modelRecord{id: fmt.Sprintf("id%04d", h.ids), status: status, time: home, home: home, value: 100 + i})
	}
}

// ask appends the answer for a window, newest record first, and tells the model.
func (h *history) ask(key [2]string, connection string, from, to time.Time, oldToo bool) {
	var served []modelRecord
	for _, r := range h.api[key] {
		if !r.time.Before(from) && r.time.Before(to) {
			served = append(served, r)
			if oldToo && r.status == "updated" {
				old := r
				old.status, old.value = "created", r.value-1
				served = append(served, old)
			}
		}
	}
	slices.SortStableFunc(served, func(a, b modelRecord) int { return b.time.Compare(a.time) })
	h.tell(key, connection, from, to, served)
}

// tell appends an answer and tells the model, unless it is of another account.
func (h *history) tell(key [2]string, connection string, from, to time.Time, served []modelRecord) {
	m := h.models[key[1]]
	var wires []string
	for _, r := range served {
		wires = append(wires, m.wire(r))
	}
	a := asked{h.answer(key[0], connection, key[1], from, to, wires...), served, len(h.ranges)}
	if h.foreign(key[0], connection) {
		return
	}
	h.asked = append(h.asked, a)
	m.apply(a.Header, served, h.trust(a, m.cuts))
}

// foreign reports whether an answer that says the user of today is of another
// account than the first one of its connection.
func (h *history) foreign(participant, connection string) bool {
	key := [2]string{participant, connection}
	if h.user != "" && h.users[key] == "" {
		h.users[key] = h.user
	}
	return h.user != "" && h.users[key] != h.user
}

// The lake is what the rules say, wherever commits and loads fall, however
// files are laid out, live as well as replayed.
func TestHistories(t *testing.T) {
	t.Parallel()
	histories(t, func(t *rapid.T, h *history) {
		live := h.tank("live", rapid.SampledFrom([]int64{1, 2000, 20000}).Draw(t, "commit bytes"))
		defer live.unlock()
		live.layout = layout{
			maxRows: int64(rapid.SampledFrom([]int{1, 40, 1000}).Draw(t, "max rows")), maxFiles: rapid.IntRange(1, 4).Draw(t, "max files"),
			minGroup: rapid.SampledFrom([]int64{0, 20, 8192}).Draw(t, "rows copied"), hotDays: rapid.SampledFrom([]int{1, 40, 90}).Draw(t, "hot days"),
		}
		study := historyStudy()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.step(t)
			if rapid.IntRange(0, 7).Draw(t, "load?") == 0 {
				live.load(study)
			}
		}
		live.load(study)
		h.check(live)
		h.replay(live, "replayed in one commit", study)
		live.checkLayout()
		if r := live.load(study); r.Commits != 0 {
			t.Fatalf("Load again: %d commits, want none", r.Commits)
		}
	})
}

func (h *history) check(k *tank) {
	h.t.Helper()
	sameText(h.t, "rejects", k.rows("rejects"), nil)
	var changes, pending, coverage, days []string
	for resource, m := range h.models {
		sameText(h.t, resource, k.rows(resource, m.columns()...), m.lines())
		changes = append(changes, m.changes...)
		pending = append(pending, m.pendingLines()...)
		coverage = append(coverage, m.coverage()...)
		days = append(days, m.days()...)
	}
	for _, lines := range [][]string{changes, pending, coverage, days} {
		slices.Sort(lines)
	}
	sameText(h.t, "glucose", k.rows("glucose", "participant_id", "time_utc", "glucose_mgdl", "n_sources"), h.models["egvs"].glucose())
	sameText(h.t, "changes", k.rows("changes", "participant_id", "resource", "record_id", "kind", "request_id", "seen_at"), changes)
	sameText(h.t, "vanish_pending", k.rows("vanish_pending"), pending)
	asked := k.rows("coverage", "participant_id", "resource", "asked_from", "asked_to", "asked_at", "records")
	asked = slices.DeleteFunc(asked, func(row string) bool { return strings.Contains(row, "asked_from=-") }) // what dataRange said
	sameText(h.t, "coverage", asked, coverage)
	sameText(h.t, "coverage_days", k.rows("coverage_days"), days)
	k.checkDays()
}

// A load that is interrupted leaves the lake as it was or one commit further.
func TestLoadCancelled(t *testing.T) {
	w := newWorld(t, t.TempDir())
	for day := 1; day < 5; day++ {
		w.answer("P1", "A", "egvs", at(day, "00:00:00"), at(day+1, "00:00:00"), egv(fmt.Sprint("r", day), at(day, "12:00:00"), 100))
	}
	k := w.tank("lake", 1)
	defer k.unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := k.Load(ctx, Study{}, "RUN"); !errors.Is(err, context.Canceled) || r.Commits != 0 {
		t.Fatalf("Load(cancelled) = %+v, %v; want no commit, context.Canceled", r, err)
	}
	if r := k.load(Study{}); r.Commits != 4 || r.Applied != 4 || len(k.rows("egvs")) != 4 {
		t.Fatalf("Load after a cancelled one: %+v, %d rows; want 4 commits of one answer each", r, len(k.rows("egvs")))
	}
}

// What arrives while the last commit is made is left to the next Load: one that
// shares the log with somebody who fetches comes to its end.
func TestLoadEndsWhileAnswersArrive(t *testing.T) {
	w := newWorld(t, t.TempDir())
	more := func(day int) {
		w.answer("P1", "A", "egvs", at(day, "00:00:00"), at(day+1, "00:00:00"), egv(fmt.Sprint("r", day), at(day, "12:00:00"), 100))
	}
	more(1)
	k := w.tank("lake", 0)
	defer k.unlock()
	day := 1
	k.Now = func() time.Time { // asked by every commit
		if day++; day < 20 {
			more(day)
		}
		return w.time
	}
	if r := k.load(Study{}); r.Commits != 1 {
		t.Errorf("Load made %d commits of %d answers, want one", r.Commits, r.Applied)
	}
	answers := day
	day = 20 // no more
	k.load(Study{})
	if n := len(k.rows("egvs")); n != answers {
		t.Errorf("%d records after the next Load, want %d", n, answers)
	}
}

// A commit that fails after its data files are there leaves none of them, also
// when the same process commits again hours later.
func TestFailedCommitLeavesNoFiles(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	w.answer("P1", "A", "egvs", at(1, "00:00:00"), at(2, "00:00:00"), dayOf(1, 288)...)
	k.load(Study{})
	before := content(t, k.Lake.Path())
	w.answer("P1", "A", "egvs", at(2, "00:00:00"), at(3, "00:00:00"), dayOf(2, 288)...)
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	k.Now = func() time.Time {
		if asked++; asked == 2 { // for the manifest: the files are written
			cancel()
		}
		return w.time
	}
	if _, err := k.Load(ctx, Study{}, "RUN"); !errors.Is(err, context.Canceled) {
		t.Fatalf("Load = %v, want context.Canceled", err)
	}
	if diff := cmp.Diff(before, content(t, k.Lake.Path())); diff != "" {
		t.Errorf("files of the lake (-before +after):\n%s", diff)
	}
}
