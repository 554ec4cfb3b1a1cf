package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// chapters are the answers of three people, in three parts. The second and third
// change, add and lack something in every table.
func chapters(w *world) []func() {
	from, to := at(2, "00:00:00"), at(5, "00:00:00")
	note := func(text string) string { return event("n", "notes", text, "created", at(3, "09:00:00")) }
	odd := func(id string) string { return fmt.Sprintf(`{"recordId":%q,"systemTime":"never"}`, id) }
	calibration := func(value int) string {
		return fmt.Sprintf(`{"recordId":"c","systemTime":"2026-03-02T07:00:00Z","displayTime":"2026-03-02T07:00:00","unit":"mg/dL","value":%d}`, value)
	}
	alert := func(state string) string {
		return fmt.Sprintf(`{"recordId":"a","systemTime":"2026-03-02T08:00:00Z","displayTime":"2026-03-02T08:00:00","alertName":"high","alertState":%q}`, state)
	}
	everybody := func(do func(p, connection string)) {
		for _, p := range []string{"P1", "P2", "P3"} {
			do(p, "A"+p)
		}
	}
	ranges := func(p, c, until string) {
		w.append(raw.Header{ParticipantID: p, ConnectionID: c, Resource: "dataRange"}, dataRange("2026-03-02T00:00:00", until))
	}
	return []func(){
		func() {
			everybody(func(p, c string) {
				ranges(p, c, "2026-03-04T00:00:00")
				w.answer(p, c, "devices", time.Time{}, time.Time{}, deviceJSON("2026-03-02T00:00:00Z", "modern", 1))
				w.answer(p, c, "egvs", from, to, append(dayOf(2, 60), odd("r1"))...)
				w.answer(p, c, "calibrations", from, to, calibration(90))
				w.answer(p, c, "egvs", from, to, dayOf(2, 20)...) // 40 are withheld
				w.answer(p, c, "events", from, to, note("first"), event("e", "carbs", "5", "created", at(2, "12:00:00")))
				w.answer(p, c, "calibrations", from, to, calibration(100))
				w.answer(p, c, "alerts", from, to, alert("inactive"))
			})
		},
		func() {
			w.time = w.time.Add(secondOpinion)
			everybody(func(p, c string) {
				ranges(p, c, "2026-03-05T00:00:00")
				w.answer(p, c, "devices", time.Time{}, time.Time{}, deviceJSON("2026-03-03T00:00:00Z", "classic", 2))
				w.answer(p, c, "egvs", from, to, append(dayOf(2, 20), odd("r2"), egv("new", at(4, "00:00:00"), 90))...) // and now they are gone
				w.answer(p, c, "events", from, to, note("second"), event("e", "carbs", "6", "updated", at(2, "12:00:00")))
				w.answer(p, c, "calibrations", from, to, calibration(110))
				w.answer(p, c, "alerts", from, to, alert("activeAlarming"))
			})
		},
		func() {
			everybody(func(p, c string) {
				w.answer(p, c, "devices", time.Time{}, time.Time{}, deviceJSON("2026-03-04T00:00:00Z", "classic", 1))
				w.answer(p, c, "egvs", from, to, append(dayOf(2, 21), egv("new", at(4, "00:00:00"), 91), odd("r1"), odd("r3"))...)
				w.answer(p, c, "events", from, to, event("e", "carbs", "6", "deleted", at(2, "12:00:00")))
				w.answer(p, c, "calibrations", from, to)
				w.answer(p, c, "alerts", from, to, alert("inactive"))
			})
		},
	}
}

// A file of every table, harmed in every way: the next load succeeds and names it,
// all else is as in a lake that was not harmed, the one after it stays with that also
// when the file is back, and after a replay nothing is different.
func TestDamagedTables(t *testing.T) {
	t.Parallel()
	how := harmNames()
	for i, table := range allTables() {
		if i%tables != 0 {
			continue
		}
		kind := how[i%len(how)]
		t.Run(table+" "+kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, t.TempDir())
			live, twin := w.tank("live", 0), w.tank("twin", 0)
			defer func() { live.unlock() }()
			defer twin.unlock()
			study := Study{
				Participants: []Participant{{ID: "P1", Timezone: "Europe/Berlin"}, {ID: "P2"}, {ID: "P3"}},
				Connections:  []Connection{{ID: "AP1", ParticipantID: "P1"}}, Windows: []Window{{ParticipantID: "*", Name: "all", Start: at(2, "00:00:00"), End: at(5, "00:00:00")}},
				Exclusions:  []Exclusion{{ParticipantID: "P1", From: at(2, "00:00:00"), To: at(2, "01:00:00")}},
				Withdrawals: []Withdrawal{{"P3", at(2, "01:00:00"), now}}, Settings: []Setting{{"study.id", "S"}},
			}
			both := func() (r Result) {
				t.Helper()
				live.reopen()
				r = live.load(study)
				twin.load(study)
				sameButLost(t, live, twin)
				nothingWithdrawn(t, live, study)
				return r
			}
			parts := chapters(w)
			parts[0]()
			both()
			files := live.current().TableFiles(table)
			if len(files) == 0 {
				t.Fatalf("no file of %s", table)
			}
			hurt := live.harm(files[len(files)-1], kind)
			path := files[len(files)-1].Path

			parts[1]()
			study.Participants = slices.Clone(study.Participants)
			study.Participants[1].Timezone = "Asia/Kolkata"
			study.Exclusions = append(study.Exclusions, Exclusion{ParticipantID: "P2", From: at(2, "00:30:00"), To: at(5, "00:00:00")})
			study.Withdrawals = append(study.Withdrawals, Withdrawal{"P2", at(3, "00:00:00"), w.time})
			r := both()
			named := slices.ContainsFunc(r.Damaged, func(d *lake.DamageError) bool { return d.Path == path })
			if read := table != "changes" && table != "requests" && table != "coverage_days" || !strings.Contains(kind, "bit"); read && !named {
				t.Errorf("damaged = %v, want %s", r.Damaged, path)
			}
			hurt.restore(t)
			parts[2]()
			both()
			for _, f := range live.current().TableFiles(table) {
				if f.Path == path && named && f.Damaged == "" && shapeNamed(table).Kind != transform.Study {
					t.Errorf("%s came back, and is read as if it had what was passed over", path)
				}
			}
			finishDamaged(t, live, twin, study)
		})
	}
}
