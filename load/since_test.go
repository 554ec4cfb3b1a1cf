package load

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shownAt is a record of what was measured at one time, as a device tells it whose clock
// shows another one.
func shownAt(record string, measured, shown time.Time) string {
	for _, of := range []func(time.Time) string{
		func(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") },
		func(t time.Time) string { return t.Add(-5 * time.Hour).Format("2006-01-02T15:04:05") },
	} {
		record = strings.ReplaceAll(record, of(measured), of(shown))
	}
	return record
}

// Hour after hour, with whatever else comes late or is edited: the lake that grew is
// the one that is made at once, although most hours read little of it.
func TestHoursAreTheLakeOfOnce(t *testing.T) {
	t.Parallel()
	study := Study{Participants: []Participant{{ID: "P1", Timezone: "America/New_York", AnchorDate: at(1, "00:00:00")}}}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, t.TempDir())
		k := w.tank("live", 0)
		defer k.unlock()
		k.layout = defaultLayout
		k.layout.hotDays = rapid.SampledFrom([]int{-40, 2, 10}).Draw(rt, "hot days")
		value := func(t time.Time) int { return 100 + int(t.Unix()/300)%50 }
		ask := func(from, to time.Time, id string, edit int) {
			var records []string
			for t := to.Add(-5 * time.Minute); !t.Before(from); t = t.Add(-5 * time.Minute) {
				records = append(records, egv(fmt.Sprint(id, t.Unix()), t, value(t)+edit))
			}
			w.answer("P1", "C1", "egvs", from, to, records...)
		}
		hour := at(33, "21:00:00") // of March
		w.time = hour
		ask(hour.AddDate(0, 0, -4), hour, "", 0)
		k.load(study)
		for range 12 {
			hour = hour.Add(time.Hour)
			w.time = hour
			back := hour.Add(-time.Duration(rapid.IntRange(3, 24*4).Draw(rt, "hours back")) * time.Hour)
			switch rapid.SampledFrom([]string{"", "", "", "late", "edited", "twin", "moved", "pause"}).Draw(rt, "what") {
			case "late": // another device's, which nobody asked for before
				w.answer("P1", "C2", "egvs", back, back.Add(time.Hour), egv("late", back.Add(time.Minute), 99))
			case "edited":
				ask(back, back.Add(time.Hour), "", 1)
			case "twin": // a device whose clock is off tells what was measured long ago
				w.answer("P1", "C2", "egvs", hour.Add(-time.Hour), hour, shownAt(egv("twin", back, 90), back, hour.Add(-time.Minute)))
			case "moved": // a record of long ago is now one of this hour
				w.answer("P1", "C1", "egvs", hour.Add(-time.Hour), hour, egv(fmt.Sprint(back.Unix()), hour.Add(-time.Minute), 91))
			case "pause":
				continue
			}
			ask(hour.Add(-2*time.Hour), hour, "", 0)
			k.load(study)
		}
		once := w.tank("once", 0)
		defer once.unlock()
		once.load(study)
		for _, table := range []string{"egvs", "glucose", "coverage", "coverage_days", "changes"} {
			if diff := cmp.Diff(once.rows(table), k.rows(table)); diff != "" {
				rt.Fatalf("%s (-at once +hour after hour):\n%s", table, diff)
			}
		}
	})
}

// each5 are the records of every five minutes.
func each5(from, to time.Time) (records []string) {
	for t := from; t.Before(to); t = t.Add(5 * time.Minute) {
		records = append(records, egv(fmt.Sprint("r", t.Unix()), t, 100))
	}
	return records
}

// In the first hours of a month the evening before it is derived, too; a record of it
// tells what was measured in the month before that.
func TestHourAtTheBeginOfAMonth(t *testing.T) {
	w := newWorld(t, t.TempDir())
	live := w.tank("live", 0)
	defer live.unlock()
	begin := at(1, "00:00:00")
	w.time = begin
	long, days := begin.AddDate(0, -1, -3), begin.AddDate(0, 0, -4)
	w.answer("P1", "C1", "egvs", long, long.Add(time.Hour), each5(long, long.Add(time.Hour))...)
	w.answer("P1", "C1", "egvs", days, begin, each5(days, begin)...)
	w.answer("P1", "C2", "egvs", begin.Add(-4*time.Hour), begin, shownAt(egv("twin", long, 90), long, begin.Add(-179*time.Minute)))
	live.load(Study{})
	w.answer("P1", "C1", "egvs", begin, begin.Add(time.Hour), each5(begin, begin.Add(time.Hour))...)
	live.load(Study{})
	once := w.tank("once", 0)
	defer once.unlock()
	once.load(Study{})
	sameText(t, "glucose", live.rows("glucose"), once.rows("glucose"))
}

// News of more than two months: the first of them has no say in the last one.
func TestNewsOfSomeMonths(t *testing.T) {
	w := newWorld(t, t.TempDir())
	live := w.tank("live", 0)
	defer live.unlock()
	begin, end := at(25, "00:00:00").AddDate(0, -2, 0), at(3, "00:00:00")
	third, fourth := begin.AddDate(0, 0, 3), begin.AddDate(0, 0, 4)
	w.time = third
	w.answer("P1", "C1", "egvs", begin, third, each5(begin, third)...)
	live.load(Study{})
	w.time = end
	for from := third; from.Before(end); from = from.AddDate(0, 0, 10) {
		w.answer("P1", "C1", "egvs", from, from.AddDate(0, 0, 10), each5(from, from.AddDate(0, 0, 10))...)
	}
	w.answer("P1", "C2", "egvs", end.Add(-4*time.Hour), end, shownAt(egv("twin", fourth, 90), fourth, end.Add(-59*time.Minute)))
	live.load(Study{})
	once := w.tank("once", 0)
	defer once.unlock()
	once.load(Study{})
	sameText(t, "glucose", live.rows("glucose"), once.rows("glucose"))
}
