package load

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// age makes the lake one of a program that did not know glucose_days.
func (k *tank) age(version int) {
	k.t.Helper()
	m := k.current()
	if m.Snapshot == 0 {
		return
	}
	c := k.Lake.Begin(m)
	c.Replace(m.TableFiles(glucoseDaysTable))
	tables := maps.Clone(m.Tables)
	tables["glucose"] = version
	_, err := c.Finish(context.Background(), lake.Manifest{LogPosition: m.LogPosition, Borders: m.Borders, Held: m.Held, Tables: tables})
	if err != nil {
		k.t.Fatalf("Finish: %v", err)
	}
}

// agedTank is a lake of two people and months of a program that did not know
// glucose_days, and what its tables were before.
func agedTank(t *testing.T, version int) (k *tank, w *world, before map[string][]string) {
	w = newWorld(t, t.TempDir())
	for _, p := range []string{"P1", "P2"} {
		for _, noon := range []int{2, 33} {
			w.answer(p, "A"+p, "egvs", at(noon, "00:00:00").AddDate(0, 0, -1), at(noon, "00:00:00").AddDate(0, 0, 2), append(dayOf(noon, 60), egv("odd", at(noon+1, "00:00:00"), 20))...)
		}
	}
	k = w.tank("lake", 0)
	t.Cleanup(func() { k.unlock() })
	k.load(agedStudy)
	before = k.all()
	k.age(version)
	if k.current().KeepsDays() || len(k.rows(glucoseDaysTable)) > 0 {
		t.Fatal("the lake is not one of a program that did not know glucose_days")
	}
	return k, w, before
}

var agedStudy = Study{Participants: []Participant{{ID: "P1", Timezone: "Europe/Berlin"}, {ID: "P2"}}, Exclusions: []Exclusion{{ParticipantID: "P2", From: at(1, "21:00:00"), To: at(3, "00:00:00")}}}

// The first load into a lake of a program that did not know glucose_days makes it, in
// one commit with what is new, or for its own sake; and a replay finds no difference.
func TestDaysOfOlderLake(t *testing.T) {
	t.Parallel()
	k, w, before := agedTank(t, 3)
	if r := k.load(agedStudy); r.Commits != 1 || !k.current().KeepsDays() {
		t.Errorf("%d commits, glucose is version %d; want 1, 4", r.Commits, k.current().Version("glucose"))
	}
	sameText(t, "glucose_days", k.rows(glucoseDaysTable), before[glucoseDaysTable])
	k.checkLayout()
	if r := k.load(agedStudy); r.Commits != 0 {
		t.Errorf("load again: %d commits, want none", r.Commits)
	}
	k.age(3)
	w.answer("P2", "AP2", "egvs", at(2, "00:00:00"), at(4, "00:00:00"), egv("late", at(3, "12:00:00"), 90), egv("odd", at(3, "00:00:00"), 100))
	if r := k.load(agedStudy); r.Commits != 1 {
		t.Errorf("with an answer: %d commits, want 1", r.Commits)
	}
	k.checkDays()
	k.checkLayout()
	if d := k.replay(agedStudy); !d.Identical() {
		t.Errorf("a replay finds %v", d)
	}
}

// Where rows of glucose are of older rules, or lost, glucose_days waits for a replay:
// it has all of glucose, or nothing.
func TestDaysWaitForReplay(t *testing.T) {
	t.Parallel()
	for name, hurt := range map[string]func(*tank){
		"older rules": func(k *tank) { k.age(2) },
		"lost":        func(k *tank) { k.harm(k.current().TableFiles("glucose")[0], "gone") },
	} {
		k, w, _ := agedTank(t, 3)
		hurt(k)
		w.answer("P1", "AP1", "egvs", at(2, "00:00:00"), at(4, "00:00:00"), egv("late", at(3, "12:00:00"), 90))
		k.load(agedStudy)
		if n := len(k.rows(glucoseDaysTable)); k.current().KeepsDays() || n > 0 {
			t.Errorf("%s: glucose_days has %d rows, glucose is version %d", name, n, k.current().Version("glucose"))
		}
		k.replay(agedStudy)
		if !k.current().KeepsDays() {
			t.Errorf("%s: glucose_days is missing after a replay", name)
		}
		k.checkDays()
	}
}

// A withdrawal takes from glucose_days what it takes from glucose, also where the
// records are lost of which both would be made anew; and where readings are lost, too,
// the day of the withdrawal goes whole.
func TestWithdrawalOfLostRecords(t *testing.T) {
	t.Parallel()
	for _, lost := range [][]string{{"egvs"}, {"egvs", "glucose"}} {
		w := newWorld(t, t.TempDir())
		k := w.tank("lake", 0)
		defer k.unlock()
		for day := 2; day < 6; day++ {
			w.answer("P1", "A", "egvs", at(day, "00:00:00"), at(day+1, "00:00:00"), dayOf(day, 20)...)
		}
		k.load(Study{})
		for _, table := range lost {
			k.harm(k.current().TableFiles(table)[0], "gone")
		}
		k.load(Study{Withdrawals: []Withdrawal{{"P1", at(4, "00:30:00"), w.time}}})
		days := []string{"day=2026-03-02T00:00:00 n_readings=20", "day=2026-03-03T00:00:00 n_readings=20", "day=2026-03-04T00:00:00 n_readings=6"}
		if len(lost) == 1 {
			k.checkDays()
		} else {
			days = days[:2]
		}
		sameText(t, fmt.Sprint("glucose_days without ", lost), k.rows(glucoseDaysTable, "day", "n_readings"), days)
	}
}
