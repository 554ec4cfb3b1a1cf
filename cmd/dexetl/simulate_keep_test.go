package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// perhapsKilled runs a command to its end, every second time after it was killed on the
// way.
func (s *simulation) perhapsKilled(args ...string) {
	s.t.Helper()
	if s.rng.IntN(2) == 0 {
		by := s.drawDeathOf(args[0])
		s.kill(by, args...)
		s.tell("killed by %+v, or ended: dexetl %s", by, strings.Join(args, " "))
	}
	s.finish(args...)
}

// verifyAll looks at all that the study keeps, every second time against the raw log, too.
func (s *simulation) verifyAll() {
	s.t.Helper()
	args := []string{"verify", "--deep"}
	s.finish(args[:1+s.rng.IntN(2)]...)
}

func (s *simulation) collect() {
	s.t.Helper()
	args := []string{"gc", "--keep-last", fmt.Sprint(1 + s.rng.IntN(3))}
	if s.rng.IntN(2) == 0 {
		args = append(args, "--keep-daily", fmt.Sprint(s.rng.IntN(3)))
	}
	s.perhapsKilled(args...)
}

// tag names the newest snapshot, or drops a name.
func (s *simulation) tag() {
	s.t.Helper()
	if names := slices.Sorted(maps.Keys(s.tags)); len(names) > 0 && s.rng.IntN(3) == 0 {
		s.drop(names[s.rng.IntN(len(names))])
		return
	}
	name := fmt.Sprintf("paper-%d", s.steps)
	s.perhapsKilled("snapshots", "tag", name, "--reason", "drawn")
	s.tags[name] = s.must("metrics", "--snapshot", name, "--csv")
}

func (s *simulation) drop(name string) {
	s.t.Helper()
	s.finish("snapshots", "drop", name, "--reason", "drawn")
	delete(s.tags, name)
}

// checkTags checks that tagged snapshots say what they did, but for who was erased.
func (s *simulation) checkTags() {
	s.t.Helper()
	others := func(csv string) (lines []string) {
		for line := range strings.Lines(csv) {
			if id, _, _ := strings.Cut(line, ","); !s.erased[id] {
				lines = append(lines, line)
			}
		}
		return lines
	}
	for name, then := range s.tags {
		if diff := cmp.Diff(others(then), others(s.must("metrics", "--snapshot", name, "--csv"))); diff != "" {
			s.t.Errorf("metrics of %s (-when it was tagged +now):\n%s", name, diff)
		}
	}
}

// moveByBackup makes the study one that was restored: from now on nobody has the old one.
func (s *simulation) moveByBackup() {
	s.t.Helper()
	backup := filepath.Join(filepath.Dir(s.dir), "backup") // of all times: it has what is still the same
	s.perhapsKilled("backup", backup)
	restored := filepath.Join(s.t.TempDir(), "study")
	s.finish("restore", backup, restored)
	check(s.t, os.RemoveAll(s.dir))
	moved := filepath.Join(filepath.Dir(restored), "backup")
	check(s.t, os.Rename(backup, moved))
	s.dir = restored
}

// erase takes somebody out of the study, who may have withdrawn before.
func (s *simulation) erase() {
	s.t.Helper()
	m := s.people[s.rng.IntN(len(s.people))]
	if !m.joined || s.erased[m.id()] || !m.withdrawn && s.taking() < 2 {
		return
	}
	if s.harmed {
		s.pass(25 * time.Hour) // what somebody opened is kept for a day
	}
	s.perhapsKilled("withdraw", m.id(), "--erase", "--reason", "drawn", "--yes")
	s.checkAbsent(m.id())
	m.withdrawn, s.erased[m.id()] = true, true
	s.withdrawn[m.id()], s.before[m.id()] = time.Time{}, nil
	s.pass(0)
	s.consent()
}

// taking is how many take part, and have not withdrawn.
func (s *simulation) taking() (n int) {
	for _, m := range s.joined() {
		if !m.withdrawn {
			n++
		}
	}
	return n
}

// checkErased checks that nothing is left of who was erased but the name.
func (s *simulation) checkErased() {
	s.t.Helper()
	for _, id := range slices.Sorted(maps.Keys(s.erased)) {
		s.checkAbsent(id)
	}
}

// checkAbsent checks that nothing is left of somebody. Of a damaged file nobody can tell: it
// stays as long as a snapshot has it.
func (s *simulation) checkAbsent(id string) {
	s.t.Helper()
	if s.harmed {
		s.finish("gc", "--keep-last", "1")
	}
	s.finish("verify", "--absent", id)
}
