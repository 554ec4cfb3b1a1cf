package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/plan"
)

// end reads everything once more and checks what must be true of every study.
func (s *simulation) end() {
	s.t.Helper()
	for _, m := range s.people {
		if m.paused && !m.withdrawn {
			s.finish("participants", "resume", m.id(), "--reason", "the end")
			m.paused = false
		}
	}
	for ; s.day < s.days; s.day++ {
		s.join(s.day + 1)
	}
	s.consent()
	s.conclude()
	s.tell("read wholly")
	s.checkConsents()
	s.askedOncePerRun()
	s.askedWithinConsent()
	s.checkWithdrawn()
	s.checkErased()
	s.checkTags()
	s.checkSuspectClocks()
	s.finish("verify", "--deep")
	s.leaveOutWithdrawn()
	s.compareWithBackfill()
	s.computedAnew(s.compareAllWithReplay())
}

// askedWithinConsent checks all that the API heard against what was consented to then.
func (s *simulation) askedWithinConsent() {
	s.t.Helper()
	outside := 0
	for _, a := range s.ear.asked {
		var now inForce
		for _, c := range s.consents[a.participant] {
			if !c.since.After(a.at) {
				now = c
			}
		}
		if w := now.window; a.start.Before(w.Start) || a.end.After(w.End) || !a.start.Before(a.end) {
			if outside++; outside < 5 {
				s.t.Errorf("%s of %q was asked for %v to %v at %v; consented is %v to %v", a.resource, a.participant, a.start, a.end, a.at, w.Start, w.End)
			}
		}
	}
	if len(s.ear.asked) == 0 {
		s.t.Error("nobody heard anything")
	}
}

// heldOf are the present records of a participant.
func (s *simulation) heldOf(id string) []string {
	return s.plain(fmt.Sprintf(`select 'egvs', record_id, system_time, glucose_mgdl::varchar from egvs where vanished_at is null and participant_id = '%[1]s'
		union all select 'events', record_id, system_time, event_type from events where vanished_at is null and participant_id = '%[1]s'
		union all select 'alerts', record_id, system_time, alert_state from alerts where vanished_at is null and participant_id = '%[1]s' order by all`, id))
}

// checkWithdrawn checks that those who withdrew have nothing from then on, and what
// they had before.
func (s *simulation) checkWithdrawn() {
	s.t.Helper()
	for id, from := range s.withdrawn {
		for _, table := range recordTables() {
			if rows := s.plain(fmt.Sprintf("select count(*) from %s where participant_id = '%s' and %s >= '%s'", table, id, timeOf(table), from.Format(time.DateTime))); rows[0] != "0" {
				s.t.Errorf("%s has %s rows of %s from %v on, the withdrawal", table, rows[0], id, from)
			}
		}
		if diff := cmp.Diff(s.before[id], s.heldOf(id)); diff != "" {
			s.t.Errorf("what is held of %s since the withdrawal (-then +now):\n%s", id, diff)
		}
	}
}

// leaveOutWithdrawn leaves those who withdrew out of comparisons with what the API says
// now: it was not asked since.
func (s *simulation) leaveOutWithdrawn() {
	for id := range s.withdrawn {
		if s.only == nil {
			s.only = make(map[string]plan.Window)
		}
		s.only[id] = plan.Window{}
	}
}

// compareAllWithReplay compares every row, whoever's it is, and what is derived.
// It returns the metrics.
func (s *simulation) compareAllWithReplay() (metrics string) {
	s.t.Helper()
	part := s.only
	s.only = nil
	defer func() { s.only = part }()
	before := s.contentOf()
	before["metrics"] = s.must("metrics", "--csv")
	s.compareWithReplay()
	after := s.contentOf()
	after["metrics"] = s.must("metrics", "--csv")
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if before[table] != after[table] {
			s.t.Errorf("%s: %s, replayed %s", table, before[table], after[table])
		}
	}
	return after["metrics"]
}

// computedAnew compares what the snapshot has computed with what is computed on the
// spot.
func (s *simulation) computedAnew(stored string) {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "lake/snapshots/*/episodes"))
	if err != nil || len(found) == 0 {
		s.t.Fatalf("nothing computed: %v", err)
	}
	for _, folder := range found {
		check(s.t, os.RemoveAll(folder))
	}
	if diff := cmp.Diff(stored, s.must("metrics", "--csv")); diff != "" {
		s.t.Errorf("metrics (-stored +computed on the spot):\n%s", diff)
	}
}
