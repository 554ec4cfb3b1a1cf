package load

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/load/lake"
)

// news are the changes from one snapshot to another in words, in their order.
func (k *tank) news(a, b lake.Manifest) (told []string) {
	k.t.Helper()
	last := make(map[string]time.Time)
	left, err := News(context.Background(), Side{k.Lake, a}, Side{k.Lake, b}, func(participant string, changes []Change) error {
		for _, c := range changes {
			offset := "-"
			if c.OffsetSec != nil {
				offset = fmt.Sprint(*c.OffsetSec)
			}
			told = append(told, fmt.Sprintf("%s %s %q %s %v %s%s %s", participant, []string{"created", "updated", "vanished"}[c.Kind],
				c.Type, c.At.Format("01-02 15:04"), c.Value, c.Text, c.Subtype, offset))
			if key := participant + c.Type; c.Type == "" && c.At.Before(last[key]) {
				k.t.Fatalf("%s comes after %s", c.At, last[key])
			} else {
				last[key] = c.At
			}
		}
		return nil
	})
	if err != nil || len(left) > 0 {
		k.t.Fatalf("News(%d, %d): %v, left out %v", a.Snapshot, b.Snapshot, err, left)
	}
	return told
}

// What is new, changed and gone, for one participant after the other and in order of
// time; what only the study says of readings is none of it.
func TestNews(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	noon := func(day int) time.Time { return at(day, "12:00:00") }
	day := func(n int) time.Time { return at(n, "00:00:00") }
	w.answer("P2", "B", "egvs", day(2), day(6), egv("z", noon(3), 70))
	w.answer("P1", "A", "egvs", day(-40), day(6), egv("a", noon(-35), 100), egv("b", noon(3), 90), egv("c", noon(4), 80))
	w.answer("P1", "A", "events", day(2), day(6), event("x", "carbs", "30", "created", noon(3)), event("n", "notes", "felt low", "created", noon(4)))
	k.load(Study{})
	first := k.current()
	want := []string{
		`P1 created "" 01-24 12:00 100  -18000`, `P1 created "" 03-03 12:00 90  -18000`, `P1 created "" 03-04 12:00 80  -18000`, `P2 created "" 03-03 12:00 70  -18000`,
		`P1 created "carbs" 03-03 12:00 30  0`, `P1 created "notes" 03-04 12:00 0 felt lownotes 0`,
	}
	if d := cmp.Diff(want, k.news(lake.Manifest{}, first)); d != "" {
		t.Errorf("of everything (-want +got):\n%s", d)
	}
	w.time = w.time.Add(24 * time.Hour)
	w.answer("P1", "A", "egvs", day(2), day(8), egv("b", noon(3), 95), egv("d", noon(6), 110))
	w.answer("P1", "A", "events", day(2), day(8), event("x", "carbs", "45", "updated", noon(3)), event("n", "notes", "felt lower", "updated", noon(4)), event("i", "insulin", "4", "created", noon(6)))
	k.load(Study{})
	second := k.current()
	want = []string{
		`P1 updated "" 03-03 12:00 95  -18000`, `P1 vanished "" 03-04 12:00 80  -18000`, `P1 created "" 03-06 12:00 110  -18000`,
		`P1 updated "carbs" 03-03 12:00 45  0`, `P1 updated "notes" 03-04 12:00 0 felt lowernotes 0`, `P1 created "insulin" 03-06 12:00 4  0`,
	}
	if d := cmp.Diff(want, k.news(first, second)); d != "" {
		t.Errorf("of the second answers (-want +got):\n%s", d)
	}
	k.load(Study{Exclusions: []Exclusion{{ParticipantID: "P1", From: day(1), To: day(9)}}})
	if got := k.news(second, k.current()); len(got) > 0 {
		t.Errorf("an exclusion is news: %v", got)
	}
	w.answer("P1", "A", "events", day(2), day(8), event("x", "carbs", "45", "deleted", noon(3)))
	third := k.current()
	k.load(Study{})
	got := k.news(third, k.current())
	if !slices.Contains(got, `P1 vanished "carbs" 03-03 12:00 45  0`) {
		t.Errorf("a deleted event: %v", got)
	}
}
