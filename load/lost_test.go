package load

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

	"github.com/dexetl/dexetl/load/lake"
)

// harms are what can befall a data file.
func harms() map[string]func(t fataler, path string) {
	write := func(t fataler, path string, content []byte) {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatalf("harm: %v", err)
		}
	}
	read := func(t fataler, path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("harm: %v", err)
		}
		return content
	}
	flipAt := func(share float64) func(t fataler, path string) {
		return func(t fataler, path string) {
			content := read(t, path)
			content[int(share*float64(len(content)-1))] ^= 0x10
			write(t, path, content)
		}
	}
	return map[string]func(t fataler, path string){
		"gone": func(t fataler, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatalf("harm: %v", err)
			}
		},
		"cut":               func(t fataler, path string) { c := read(t, path); write(t, path, c[:len(c)/2]) },
		"long":              func(t fataler, path string) { write(t, path, append(read(t, path), 0)) },
		"emptied":           func(t fataler, path string) { write(t, path, nil) },
		"bit in the rows":   flipAt(0.2),
		"bit in the middle": flipAt(0.6),
		"bit in the footer": flipAt(0.95),
		"last bit":          flipAt(1),
	}
}

func harmNames() []string { return slices.Sorted(maps.Keys(harms())) }

// A casualty is a data file that was harmed.
type casualty struct {
	path    string
	content []byte
}

func (k *tank) harm(f lake.File, how string) casualty {
	k.t.Helper()
	c := casualty{path: filepath.Join(k.Lake.Path(), f.Path)}
	var err error
	if c.content, err = os.ReadFile(c.path); err != nil {
		k.t.Fatalf("harm %s: %v", f.Path, err)
	}
	harms()[how](k.t, c.path)
	return c
}

// restore puts the file back as it was.
func (c casualty) restore(t fataler) {
	os.Remove(c.path)
	if err := os.WriteFile(c.path, c.content, 0o600); err != nil {
		t.Fatalf("restore: %v", err)
	}
}

// reopen is the lake in the hands of another process.
func (k *tank) reopen() {
	k.t.Helper()
	k.unlock()
	l, err := lake.Open(k.Lake.Path())
	if err != nil {
		k.t.Fatalf("lake.Open: %v", err)
	}
	guard, err := l.Lock(context.Background(), 0, lake.Holder{Command: "test"})
	if err != nil {
		k.t.Fatalf("Lock: %v", err)
	}
	k.Lake = l
	k.unlock = func() { guard.Unlock(); l.Close() }
}

// readable returns the rows of every table that has no damaged file.
func (k *tank) readable() map[string][]string {
	k.t.Helper()
	tables := make(map[string][]string)
	m := k.current()
	for _, table := range allTables() {
		if harm, err := k.Lake.DamagedContent(m.TableFiles(table)); err != nil {
			k.t.Fatalf("DamagedContent: %v", err)
		} else if len(harm) == 0 {
			tables[table] = k.rows(table)
		}
	}
	return tables
}

// resourcesOf are those whose answers fill a table.
func resourcesOf(table string) []string {
	switch table {
	case "glucose", "glucose_days":
		return []string{"egvs"}
	case "event_notes":
		return []string{"events"}
	case "alert_settings":
		return []string{"devices"}
	case "egvs", "events", "calibrations", "alerts", "devices":
		return []string{table}
	case "connection_ranges":
		return []string{"dataRange"}
	case "connection_accounts":
		return []string{"dataRange", "egvs", "events", "calibrations", "alerts", "devices"}
	case "changes", "rejects", "coverage", "coverage_days", "vanish_pending", "requests":
		return []string{"egvs", "events", "calibrations", "alerts", "devices"}
	}
	return nil // a table of the study
}

// waits reports whether answers of a participant that fill a table are held.
func (k *tank) waits(table, participant string) bool {
	lost := lostIn(k.current())
	return slices.ContainsFunc(resourcesOf(table), func(resource string) bool {
		return slices.ContainsFunc(decidedBy(resource), func(by string) bool { return lost.of(by, participant) != nil })
	})
}

func rowsOfParticipant(rows []string, participant string) []string {
	return slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return !strings.Contains(row, "participant_id="+participant+" ") })
}

// sameButLost compares a lake that lost files with one that did not: whatever does
// not wait is the same.
func sameButLost(t fataler, k, twin *tank) {
	t.Helper()
	whole := twin.all()
	lost := lostIn(k.current())
	for table, rows := range k.readable() {
		if len(resourcesOf(table)) == 0 {
			sameText(t, "table "+table, rows, whole[table])
			continue
		}
		for _, p := range []string{"P1", "P2", "P3", "P4", "P5"} {
			if k.waits(table, p) || table == "requests" && lost.of("rejects", p) != nil {
				continue
			}
			sameText(t, fmt.Sprintf("table %s, participant %s", table, p), rowsOfParticipant(rows, p), rowsOfParticipant(whole[table], p))
		}
	}
}

// nothingWithdrawn checks that no table that can be read has what participants who
// have withdrawn recorded from then on.
func nothingWithdrawn(t fataler, k *tank, study Study) {
	t.Helper()
	readable := k.readable()
	for table, column := range map[string]string{
		"egvs": "system_time", "events": "system_time", "event_notes": "system_time", "calibrations": "system_time", "alerts": "system_time", "glucose": "time_utc", "glucose_days": "day",
	} {
		if _, ok := readable[table]; !ok {
			continue
		}
		for _, row := range k.rows(table, "participant_id", column) {
			for _, w := range study.Withdrawals {
				id, at, _ := strings.Cut(strings.TrimPrefix(row, "participant_id="), " "+column+"=")
				when, err := time.Parse("2006-01-02T15:04:05", at)
				if err != nil {
					t.Fatalf("row %q: %v", row, err)
				}
				if id == w.ParticipantID && !when.Before(w.EffectiveAt) {
					t.Fatalf("table %s has %q of somebody who has withdrawn from %s", table, row, w.EffectiveAt)
				}
			}
		}
	}
}

// tolerant loads. A load may end only where nobody can tell any more who has
// withdrawn; then a replay is the way out, and tolerant reports that there was one.
func (k *tank) tolerant(study Study) (replayed bool) {
	k.t.Helper()
	r, err := k.Load(context.Background(), study, "RUN")
	var damage *lake.DamageError
	if errors.As(err, &damage) && strings.HasPrefix(damage.Path, "data/withdrawals/") && len(r.Damaged) > 0 {
		k.replay(study)
		return true
	}
	if err != nil {
		k.t.Fatalf("Load: %v", err)
	}
	return false
}

// Whatever befalls data files, and whenever: loading goes on, what does not need
// their rows is as if nothing had happened, nothing that was withdrawn comes back,
// also when a file does, and a replay makes the lake that never had any damage.
func TestDamagedHistories(t *testing.T) {
	t.Parallel()
	histories(t, func(t *rapid.T, h *history) {
		bytes := rapid.SampledFrom([]int64{1, 20000, 0, 0}).Draw(t, "commit bytes")
		live, twin := h.tank("live", bytes), h.tank("twin", bytes)
		defer func() { live.unlock() }()
		defer twin.unlock()
		live.layout = layout{
			maxRows: int64(rapid.SampledFrom([]int{1, 40, 1000}).Draw(t, "max rows")), maxFiles: rapid.IntRange(1, 4).Draw(t, "max files"),
			minGroup: rapid.SampledFrom([]int64{0, 20, 8192}).Draw(t, "rows copied"), hotDays: rapid.SampledFrom([]int{1, 40, 90}).Draw(t, "hot days"),
		}
		twin.layout = live.layout
		study := historyStudy()
		var harmed []casualty
		withdrawals, recorded := map[string]Withdrawal{}, time.Time{}
		load := func() {
			t.Helper()
			if rapid.Bool().Draw(t, "another process?") {
				live.reopen()
			}
			if live.tolerant(study) {
				twin.replay(study) // which knows of a withdrawal from the first answer on: nothing was new
			} else {
				twin.load(study)
			}
			sameButLost(t, live, twin)
			nothingWithdrawn(t, live, study)
			if lost := lostIn(live.current()); lost["glucose"] == nil && lost[glucoseDaysTable] == nil && len(live.readable()) == len(allTables()) {
				live.checkDays()
			}
		}
		ask := func(label string) {
			for range rapid.IntRange(1, 6).Draw(t, label) {
				if rapid.IntRange(0, 2).Draw(t, "others") == 0 {
					h.others(t)
				} else {
					h.step(t)
				}
			}
		}
		for range 3 {
			ask("answers before")
		}
		load()
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for range rapid.IntRange(0, 2).Draw(t, "harms") {
				if files := whole(live.current().Files); len(files) > 0 {
					f := files[rapid.IntRange(0, len(files)-1).Draw(t, "file")]
					if live.Lake.Check(f) == nil {
						harmed = append(harmed, live.harm(f, rapid.SampledFrom(harmNames()).Draw(t, "harm")))
					}
				}
			}
			switch rapid.IntRange(0, 5).Draw(t, "beside") {
			case 0:
				if len(harmed) > 0 {
					harmed[len(harmed)-1].restore(t)
				}
			case 1:
				if recorded.Before(h.time) {
					recorded = h.time
				}
				who := rapid.SampledFrom([]string{"P1", "P2"}).Draw(t, "who")
				withdrawals[who] = Withdrawal{who, slots.Add(time.Duration(rapid.IntRange(0, 66*24).Draw(t, "hour")) * time.Hour), recorded}
				study.Withdrawals = slices.SortedFunc(maps.Values(withdrawals), func(a, b Withdrawal) int { return strings.Compare(a.ParticipantID, b.ParticipantID) })
			case 2:
				study.Participants = slices.Clone(study.Participants)
				study.Participants[0].Timezone = rapid.SampledFrom([]string{"", "UTC", "Asia/Kolkata"}).Draw(t, "zone")
			}
			ask("answers")
			load()
		}
		finishDamaged(t, live, twin, study)
	})
}

// finishDamaged replays both, which makes them equal, and goes on.
func finishDamaged(t fataler, live, twin *tank, study Study) {
	t.Helper()
	live.replay(study)
	twin.replay(study)
	sameLakes(t, "replayed after damage", live.all(), twin.all())
	if r := live.load(study); r.Commits != 0 || len(r.Damaged) != 0 {
		t.Fatalf("Load after the replay: %d commits, damaged %v; want none", r.Commits, r.Damaged)
	}
}
