package load

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Exclusions say of readings that metrics leave them out: their change is one commit,
// which tells the readings of those people anew, wherever they lie, and nobody else's.
func TestExclusions(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("lake", 0)
	defer k.unlock()
	months := []time.Time{at(2, "12:00:00"), at(2, "12:00:00").AddDate(0, 1, 0)} // 07:00 of the wall clock
	for _, p := range []string{"P1", "P2"} {
		for i, noon := range months {
			w.answer(p, "A"+p, "egvs", noon.Add(-12*time.Hour), noon.Add(12*time.Hour),
				egv(fmt.Sprint(i, "a"), noon, 100), egv(fmt.Sprint(i, "b"), noon.Add(5*time.Minute), 20), egv(fmt.Sprint(i, "c"), noon.Add(time.Hour), 110))
		}
	}
	excluded := func(p string, from, to time.Time) Exclusion { return Exclusion{ParticipantID: p, From: from, To: to} }
	study := func(exclusions ...Exclusion) Study {
		return Study{Participants: []Participant{{ID: "P1"}, {ID: "P2"}}, Exclusions: exclusions}
	}
	morning := excluded("P1", at(2, "07:00:00"), at(2, "08:00:00")) // the reading at 08:00 is not in it
	const none, first, all = "- implausible - - implausible -", "exclusion exclusion - - implausible -", "exclusion exclusion exclusion exclusion exclusion exclusion"
	steps := []struct {
		name    string
		study   Study
		answers func()
		commits int
		p1, p2  string
	}{
		{"none", study(), nil, 1, none, none},
		{"a morning", study(morning), nil, 1, first, none},
		{"the same", study(morning), nil, 0, first, none},
		{"another reason", study(Exclusion{"P1", morning.From, morning.To, "MRI"}), nil, 1, first, none},
		{"two that overlap", study(excluded("P1", at(1, "00:00:00"), at(3, "00:00:00")), morning, excluded("P1", at(3, "00:00:00"), at(60, "00:00:00"))), nil, 1, all, none},
		{"somebody else's, with an answer", study(excluded("P2", at(1, "00:00:00"), at(60, "00:00:00"))), func() {
			w.answer("P2", "AP2", "egvs", at(5, "00:00:00"), at(6, "00:00:00"), egv("late", at(5, "12:00:00"), 90))
		}, 1, none, all + " exclusion"},
		{"whose is forgotten", study(), nil, 1, none, "- implausible - - - implausible -"},
	}
	for _, s := range steps {
		if s.answers != nil {
			s.answers()
		}
		if r := k.load(s.study); r.Commits != s.commits {
			t.Errorf("%s: %d commits, want %d", s.name, r.Commits, s.commits)
		}
		k.checkDays()
		got := map[string]string{}
		for _, line := range k.rows("glucose", "participant_id", "time_utc", "excluded") {
			words := strings.Fields(line)
			id, is := strings.TrimPrefix(words[0], "participant_id="), strings.TrimPrefix(words[2], "excluded=")
			got[id] = strings.TrimSpace(got[id] + " " + is)
		}
		if diff := cmp.Diff(map[string]string{"P1": s.p1, "P2": s.p2}, got); diff != "" {
			t.Errorf("%s: excluded (-want +got):\n%s", s.name, diff)
		}
		if d := k.replay(s.study); !d.Identical() {
			t.Errorf("%s: a replay finds %v", s.name, d)
		}
	}
}
