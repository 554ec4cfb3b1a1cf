package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// smallStudy is what every run of the tests can pay.
const smallStudy = "6x5"

var (
	studySize = flag.String("study", smallStudy, "participants x days of TestStudy")
	studyKill = flag.Int("study.kills", 1, "processes killed a day, at most, in TestStudy/killed")
	studySeed = flag.Uint64("study.seed", 5, "of TestStudy")
)

// A study that is synced once a day, with everything that can go wrong going
// wrong, ends in the lake that one backfill at the end makes, and in the one
// that its raw log makes. So it does when its processes are killed several
// times a day, and then nothing is asked for again that the log holds.
func TestStudy(t *testing.T) {
	for _, test := range []struct {
		name  string
		raw   string // lake.raw
		kills int    // a day
	}{{"undisturbed", "keep", 0}, {"compacted", "compact", 0}, {"killed", "compact", *studyKill}} {
		if test.name == "compacted" && *studySize == smallStudy {
			continue // the killed one is compacted too
		}
		t.Run(test.name, func(t *testing.T) {
			if test.kills > 0 {
				oneAfterTheOther(t) // nobody hears what the detector says of who is killed
			} else {
				atOnce(t)
			}
			t.Parallel()
			l := begin(t, test.raw, test.kills)
			for day := range l.days {
				l.live(day)
			}
			l.conclude()
			l.checkConsents()
			l.askedOncePerRun()
			l.checkChanges()
			l.compareWithTruth()
			l.compareWithBackfill()
			l.compareWithReplay()
			l.print()
		})
	}
}

// A life is a study on its way through the days.
type life struct {
	*bench
	rng     *rand.Rand
	people  []*member
	days    int
	start   time.Time // of the first day
	between *between  // nil: nobody is killed

	imported map[string][]string // the last import of windows and of exclusions
	atOnce   []string            // instants at which two processes may each have been told to read everything again

	peopleDays int // connected
	lost       int // consents
	took       time.Duration
}

func begin(t *testing.T, raw string, kills int) *life {
	t.Helper()
	config := dexsim.Config{Seed: *studySeed, End: demoNow}
	if _, err := fmt.Sscanf(*studySize, "%dx%d", &config.Participants, &config.Days); err != nil {
		t.Fatalf("-study %s: want participants x days, such as 30x120", *studySize)
	}
	config.Chaos = dexsim.Chaos{
		// Without what only takes time, and with few faults that make a client wait.
		Kinds:     dexsim.AllData | dexsim.AllTransport&^(dexsim.Huge|dexsim.Slow|dexsim.TooMany),
		FaultRate: 0.02, RetryAfter: time.Second,
	}
	if config.Participants*config.Days < 100 {
		config.Chaos.RecordRate = 0.1 // something of everything all the same
	}
	return beginOf(t, config, raw, kills)
}

// beginOf begins the study of a config, whose data end at demoNow.
func beginOf(t *testing.T, config dexsim.Config, raw string, kills int) *life {
	t.Helper()
	l := &life{rng: rand.New(rand.NewPCG(config.Seed, 1))}
	l.days, l.start = config.Days, demoNow.AddDate(0, 0, -config.Days)
	l.bench = openBench(t, config, l.start)
	l.env["DEXETL_LAKE_RAW"] = raw
	l.env["DEXETL_STUDY_LATE_WINDOW"] = "1000d" // a backfill at the end may still look at everybody
	l.people = l.enrol(config)
	if kills > 0 {
		l.between = l.newBetween(kills)
	}
	return l
}

// live lives a day of the study and syncs at its end, at another time every day.
func (l *life) live(day int) {
	l.now = l.start.AddDate(0, 0, day+1).Add(time.Duration(l.rng.Int64N(int64(3*time.Hour))) - 90*time.Minute)
	l.join(day)
	if l.between != nil {
		l.killSome()
	}
	l.sync()
	for _, m := range l.people {
		if m.joined {
			l.peopleDays++
		}
	}
}

// sync syncs as cron would: what faults keep from it, the next one fetches.
func (l *life) sync(flags ...string) (code int) {
	l.t.Helper()
	began := time.Now()
	code, _, stderr := l.run(append([]string{"sync"}, flags...)...)
	l.took += time.Since(began)
	if code != exitDone && code != exitPartial && code != exitConsent {
		l.t.Fatalf("dexetl sync at %v: exit %d\n%s", l.now, code, stderr)
	}
	l.reconsent()
	return code
}

// conclude reads everything again, and once more a day later: records that went
// in great number wait for that.
func (l *life) conclude() {
	l.t.Helper()
	for range 2 {
		l.now = l.now.Add(25 * time.Hour)
		for try := 0; l.sync("--deep") != exitDone; try++ {
			if try == 6 {
				l.t.Fatal("sync --deep does not come to its end")
			}
			l.now = l.now.Add(9 * time.Hour) // a refused grant is tried again for 36
		}
	}
	waiting := slices.DeleteFunc(l.plain("select * from vanish_pending"), func(row string) bool {
		id, _, _ := strings.Cut(row, "|")
		_, redated := l.only[id] // what lies outside the new dates is asked for no more
		return redated
	})
	if len(waiting) > 0 {
		l.t.Errorf("%d records still wait for a second answer, first %s", len(waiting), waiting[0])
	}
}

// askedOncePerRun checks that no answer of an instant is asked for again at that
// instant, whoever was killed then. Three exceptions: an empty answer where there
// should be records is asked for twice on purpose; what is recorded by a clock that is
// ahead of that instant is not held for good; and another run may take it along
// in the call for the trailing days that are still due, which goes on to their end,
// and of which, where it is cut at 30 days, the second part begins then and there.
func (l *life) askedOncePerRun() {
	l.t.Helper()
	again := "false"
	if len(l.atOnce) > 0 {
		again = fmt.Sprintf("a.run_id <> b.run_id and 'deep' in (a.beat, b.beat) and a.asked_at in ('%s')", strings.Join(l.atOnce, "', '"))
	}
	twice := l.plain(`with asked as (from requests where resource not in ('dataRange', 'devices')),
		w as (select a.*, coalesce(whole.window_start, a.window_start) as begins from asked a
			left join asked whole on whole.run_id = a.run_id and whole.connection_id = a.connection_id and whole.resource = a.resource
				and whole.window_end = a.window_start and whole.window_end - whole.window_start = interval 30 day)
		select a.participant_id, a.resource, a.beat, a.run_id, a.window_start, a.window_end, a.records, b.beat, b.run_id, b.window_start, b.window_end, b.records, a.asked_at
		from w a join w b using (participant_id, connection_id, resource, asked_at)
		where a.log_position < b.log_position and a.window_start < b.window_end and b.window_start < a.window_end
			and greatest(a.window_start, b.window_start) < a.asked_at and not (` + again + `)
			and not (a.records = 0 and b.records = 0 and a.window_start = b.window_start and a.window_end = b.window_end)
			and not (a.run_id <> b.run_id and (a.beat = 'trailing' and a.begins < b.window_start or b.beat = 'trailing' and b.begins < a.window_start))`)
	if len(twice) > 0 {
		l.t.Errorf("%d windows were asked for again although the answer was held, the first are\n%s", len(twice), strings.Join(twice[:min(4, len(twice))], "\n"))
	}
}

// checkConsents checks that no more consents were lost than processes were
// killed: of each killed one those that were just being refreshed, and nobody can
// help that (see docs/architecture.md).
func (l *life) checkConsents() {
	l.t.Helper()
	killed := 0
	if l.between != nil {
		killed = l.between.killed
	}
	if l.lost > 6*killed {
		l.t.Errorf("%d consents were lost, %d processes killed", l.lost, killed)
	}
}

// checkChanges checks that the study had all sorts of changes to tell of.
func (l *life) checkChanges() {
	l.t.Helper()
	got := l.plain("select distinct kind from changes order by 1")
	for _, kind := range []string{"edited", "deleted", "vanished", "restored"} {
		if !slices.Contains(got, kind) {
			l.t.Errorf("changes tells of nothing %s in %d days, only of %v", kind, l.days, got)
		}
	}
}

func (l *life) compareWithBackfill() {
	l.t.Helper()
	calls, began := l.api.Stats().Calls, time.Now()
	fresh := &bench{t: l.t, api: l.api, url: l.url, dir: filepath.Join(l.t.TempDir(), "study"), now: l.now, env: l.env, ear: l.ear, only: l.only}
	fresh.must("init", fresh.dir, "--base-url", l.url)
	left := slices.DeleteFunc(slices.Clone(l.people), func(m *member) bool { return m.withdrawn })
	fresh.importPeople(l.people)
	for _, file := range l.imported {
		fresh.must(file...)
	}
	fresh.connectPeople(left)
	for try := 0; ; try++ {
		code, _, stderr := fresh.run("backfill")
		if code == exitDone || code == exitConsent && len(left) < len(l.people) {
			break
		}
		if try == 5 {
			l.t.Fatalf("dexetl backfill: exit %d\n%s", code, stderr)
		}
	}
	l.t.Logf("one backfill at the end: %d calls, %.1f s", l.api.Stats().Calls-calls, time.Since(began).Seconds())
	l.equal("one backfill", fresh)
}

func (l *life) compareWithReplay() {
	l.t.Helper()
	began := time.Now()
	before := l.digests()
	var said struct {
		Rows []struct{ Table string }
	}
	l.decode(&said, "replay", "--json")
	for _, row := range said.Rows {
		if row.Table != "runs" { // to which every run adds a row
			l.t.Errorf("dexetl replay finds differences: %+v", said.Rows)
			break
		}
	}
	l.t.Logf("replay: %.1f s", time.Since(began).Seconds())
	if after := l.digests(); !slices.Equal(before, after) {
		l.t.Errorf("replayed tables differ first in\n%s", firstDifference(after, before))
	}
}

// equal compares the present rows with those of another lake, by digests of
// each participant's month, and shows the first row that differs.
func (l *life) equal(what string, other *bench) {
	l.t.Helper()
	shown := make(map[string]bool)
	for _, line := range unlike(l.digests(), other.digests()) {
		parts := strings.Split(strings.TrimPrefix(line, "- "), "|")
		table, participant, month := parts[0], parts[1], parts[2]
		if where := strings.Join(parts[:3], " "); !shown[where] {
			shown[where] = true
			only := unlike(l.rows(table, participant, month), other.rows(table, participant, month))
			l.t.Errorf("%s: %d rows are not those of %s; held here only (or - there only)\n%s", where, len(only), what,
				strings.Join(only[:min(6, len(only))], "\n"))
		}
	}
	if got, want := l.notes(), other.notes(); !slices.Equal(got, want) {
		l.t.Errorf("event_notes: %d here, %d by %s; %v", len(got), len(want), what, unlike(got, want))
	}
}

// print tells what the study cost.
func (l *life) print() {
	stats := l.api.Stats()
	t := l.t
	t.Logf("study %s, seed %d: %d syncs took %.0f s, %d participant-days", *studySize, *studySeed, l.days+2, l.took.Seconds(), l.peopleDays)
	for _, row := range l.plain(`select 'beat ' || beat, count(*) || ' answers kept', sum(records) || ' records' from requests group by beat order by 1`) {
		t.Log(row)
	}
	asked := l.plain(`select count(*), count(*) filter (where resource = 'dataRange') from requests where beat <> 'connect'`)[0]
	calls, ranges, _ := strings.Cut(asked, "|")
	t.Logf("answers kept: %s (dataRange %s), %.2f per participant-day", calls, ranges, atof(calls)/float64(l.peopleDays))
	t.Logf("refreshes so far, those of the backfill included: %d", stats.Refreshes)
	for _, row := range l.plain("select 'changes: ' || kind, resource, count(*) from changes group by all order by all") {
		t.Log(row)
	}
	for _, part := range []string{"raw", "data", "manifests"} {
		t.Logf("lake/%s: %s", part, megabytes(size(t, filepath.Join(l.dir, "lake", part))))
	}
	var rows int64
	var bytes int64
	for _, f := range l.manifest().Files {
		rows, bytes = rows+f.Rows, bytes+f.Bytes
	}
	t.Logf("newest snapshot: %s rows, %s", thousands(rows), megabytes(bytes))
	if l.between != nil {
		t.Logf("%d processes killed of %d, %d consents lost in flight; most memory of one: %s",
			l.between.killed, l.between.begun, l.lost, megabytes(l.between.memory))
	}
	t.Logf("most memory of this process, simulated API and truth included: %s", peak(t))
}

func size(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peak is the most memory that this process has had.
func peak(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if found, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(found)
		}
	}
	return "unknown"
}
