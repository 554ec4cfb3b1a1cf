package main

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	crash "github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/plan"
)

// draw draws what is done next.
func (s *simulation) draw() func() {
	steps := []struct {
		weight int
		do     func()
	}{
		{4, func() { s.fetch(s.drawFetch()...) }},
		{5, s.killAndResume},
		{2, s.twoAtOnce},
		{2, s.changeRoster},
		{1, s.pauseOrResume},
		{1, s.withdraw},
		{2, s.importOthers},
		{1, s.wrongClock},
		{1, s.replay},
		{1, s.damage},
		{1, s.otherLog},
		{1, s.stopShort},
		{2, s.look},
		{1, s.verifyAll},
		{1, s.collect},
		{2, s.tag},
		{1, s.moveByBackup},
		{1, s.erase},
	}
	total := 0
	for _, one := range steps {
		total += one.weight
	}
	n := s.rng.IntN(total)
	for _, one := range steps {
		if n -= one.weight; n < 0 {
			return one.do
		}
	}
	panic("not drawn")
}

func (s *simulation) drawFetch() []string {
	switch s.rng.IntN(6) {
	case 0:
		return []string{"sync", "--deep"}
	case 1:
		return []string{"backfill"}
	case 2:
		from := s.start.AddDate(0, 0, s.rng.IntN(s.days))
		return []string{"refresh", s.drawJoined().id(), "--from", from.Format(time.DateOnly), "--to", from.AddDate(0, 0, s.rng.IntN(3)).Format(time.DateOnly)}
	}
	return []string{"sync"}
}

// drawJoined draws somebody who takes part and has not withdrawn; if nobody does,
// somebody.
func (s *simulation) drawJoined() *member {
	at := s.rng.IntN(len(s.people))
	for i := range s.people {
		if m := s.people[(at+i)%len(s.people)]; m.joined && !m.withdrawn {
			return m
		}
	}
	return s.people[at]
}

// fetchCodes are how a fetch may end in weather like this.
func fetchCodes() []int { return []int{exitDone, exitPartial, exitLater, exitConsent, exitStopped} }

// do runs dexetl, which has to end with one of the codes.
func (s *simulation) do(codes []int, args ...string) int {
	s.t.Helper()
	code, stdout, stderr := s.run(args...)
	s.tell("dexetl %s: exit %d", strings.Join(args, " "), code)
	if !slices.Contains(codes, code) {
		s.t.Fatalf("dexetl %s: exit %d, want one of %v\n%s%s", strings.Join(args, " "), code, codes, stdout, stderr)
	}
	return code
}

func (s *simulation) fetch(args ...string) {
	s.t.Helper()
	codes := fetchCodes()
	if args[0] == "refresh" {
		codes = append(codes, exitUsage) // of somebody of whom nothing is asked
	}
	s.do(codes, args...)
	s.reconsent()
}

// drawPoint draws where a command dies, in a build with -tags faults.
func (s *simulation) drawPoint(command string) string {
	state := []string{"state.written", "state.committed"}
	loading := []string{
		"load.file_written", "load.file_synced", "load.files_renamed", "load.folders_synced", "load.manifest_written", "load.manifest_linked", "load.committed",
		"snapshot.table_linked", "snapshot.linked", "snapshot.folder_renamed", "snapshot.spans_written", "snapshot.computed", "snapshot.database_built",
		"snapshot.described", "snapshot.latest_staged", "snapshot.latest_renamed",
	}
	fetching := []string{
		"fetch.answered", "fetch.kept", "raw.segment_created", "raw.writing", "raw.written", "raw.synced",
		"refresh.begun", "refresh.answered", "refresh.kept", "refresh.committed",
	}
	gone := []string{"gone.accounted", "gone.hidden", "gone.manifests_removed", "gone.folder_removed", "gone.file_removed", "gone.removed"}
	erasing := []string{
		"erase.withdrawn", "erase.begun", "erase.log", "erase.rows_deleted", "erase.rows_noted", "erase.state", "erase.rows_left", "erase.lake", "erase.reissued",
		"erase.history", "erase.vacuumed", "erase.traces", "erase.receipt_written", "erase.ended", "erase.receipt", "raw.erasing", "raw.erasure_noted", "raw.erased", "audit.erased",
	}
	all := slices.Concat(state, loading, fetching)
	switch command {
	case "participants":
		all = state
	case "replay":
		all = append(loading, "load.file_adopted")
	case "gc":
		all = gone
	case "snapshots":
		all = append(state, "tag.written", "tag.kept", "snapshot.summed", "snapshot.cited")
	case "withdraw":
		all = slices.Concat(erasing, gone, loading)
	case "backup":
		all = state
	}
	return fmt.Sprintf("%s:%d", all[s.rng.IntN(len(all))], 1+s.rng.IntN(2))
}

// drawDeathOf draws when or where a command dies.
func (s *simulation) drawDeathOf(command string) death {
	by := s.drawDeath()
	if crash.Enabled && s.rng.IntN(4) > 0 {
		by = death{point: s.drawPoint(command)}
	}
	return by
}

// killAndResume kills a command, once or twice, and runs it to its end.
func (s *simulation) killAndResume() {
	s.t.Helper()
	args, end := s.drawFetch(), s.fetch
	switch s.rng.IntN(6) {
	case 0:
		args, end = []string{"replay"}, s.finish
	case 1:
		s.changeOne()
		args, end = []string{"participants", "import", s.roster()}, s.finish
	}
	for range 1 + s.rng.IntN(2) {
		by := s.drawDeathOf(args[0])
		dead := s.between.killed
		s.kill(by, args...)
		if died := s.between.killed > dead; !died {
			s.tell("dexetl %s", strings.Join(args, " "))
			s.pass(0) // whoever reads again means again
			continue
		}
		s.tell("dexetl %s: killed by %+v", strings.Join(args, " "), by)
	}
	s.consent()
	end(args...)
}

func (s *simulation) finish(args ...string) {
	s.t.Helper()
	s.do([]int{exitDone}, args...)
}

// twoAtOnce runs two processes at once: they share the work, or one is told of the
// other.
func (s *simulation) twoAtOnce() {
	s.t.Helper()
	s.atOnce = append(s.atOnce, s.now.Format(time.DateTime))
	type process struct {
		*exec.Cmd
		out bytes.Buffer
	}
	var both []*process
	for range 2 {
		p := &process{Cmd: s.process([][]string{{"sync"}, {"backfill"}, {"sync", "--deep"}}[s.rng.IntN(3)]...)}
		p.Stdout, p.Stderr = &p.out, &p.out
		if err := p.Start(); err != nil {
			s.t.Fatal(err)
		}
		both = append(both, p)
	}
	for _, p := range both {
		_ = p.Wait() // the code tells
		code := p.ProcessState.ExitCode()
		s.tell("at once: %s: exit %d", strings.Join(p.Args[3:], " "), code)
		if !slices.Contains(append(fetchCodes(), exitLocked), code) {
			s.t.Errorf("%s beside another one: exit %d\n%s", strings.Join(p.Args[3:], " "), code, &p.out)
		}
	}
	s.reconsent()
}

// changeRoster changes a line of the roster and imports it.
func (s *simulation) changeRoster() {
	s.t.Helper()
	s.changeOne()
	s.finish("participants", "import", s.roster())
	s.consent()
}

// changeOne changes somebody's cohort, zone, first or last day. Whose readings
// come from two devices keep their days: see enrol.
func (s *simulation) changeOne() {
	at := s.rng.IntN(len(s.people))
	m := s.people[at]
	day := func() string { return s.start.AddDate(0, 0, s.rng.IntN(s.days+2)-1).Format(time.DateOnly) }
	choice := s.rng.IntN(4)
	if slices.Contains([]int{2, 3, 7}, at%10) {
		choice = 0
	}
	was := m.row
	m.row = make(map[string]string)
	for name, value := range was {
		m.row[name] = value
	}
	switch choice {
	case 0:
		m.row["cohort"] = string("ABC"[s.rng.IntN(3)])
	case 1:
		m.row["timezone"] = []string{"Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham"}[s.rng.IntN(4)]
	case 2:
		m.row["study_end"] = []string{"", day()}[s.rng.IntN(2)]
	case 3:
		m.row["study_start"] = day()
	}
	if end := m.row["study_end"]; end != "" && end < m.row["study_start"] {
		m.row = was
		return
	}
	if choice > 0 {
		if s.only == nil {
			s.only = make(map[string]plan.Window)
		}
		m.consented = consentedOf(s.t, m.row)
		s.only[m.id()] = m.consented
	}
	s.tell("roster: %v", m.row)
}

// roster writes the roster of those who have joined.
func (s *simulation) roster() string { return s.rosterOf(s.joined()) }

func (s *simulation) joined() (all []*member) {
	for _, m := range s.people {
		if m.joined {
			all = append(all, m)
		}
	}
	return all
}

func (s *simulation) pauseOrResume() {
	s.t.Helper()
	m := s.drawJoined()
	if m.withdrawn {
		return
	}
	word := "pause"
	if m.paused {
		word = "resume"
	}
	s.finish("participants", word, m.id(), "--reason", "drawn")
	m.paused = !m.paused
	s.consent()
}

// withdraw ends somebody's part, unless nobody else is left. A process that is killed
// on the way is completed by the same command.
func (s *simulation) withdraw() {
	s.t.Helper()
	m := s.drawJoined()
	if s.taking() < 2 || m.withdrawn {
		return
	}
	from := s.now.Add(-time.Duration(s.rng.Int64N(int64(s.now.Sub(s.start))))).Truncate(time.Second)
	args := []string{"withdraw", m.id(), "--effective", from.Format(time.RFC3339), "--reason", "drawn", "--yes"}
	if s.rng.IntN(2) == 0 {
		s.kill(s.drawDeath(), args...)
		s.tell("killed: dexetl %s", strings.Join(args, " "))
	}
	s.finish(args...)
	m.withdrawn, s.withdrawn[m.id()] = true, from
	s.before[m.id()] = s.heldOf(m.id())
	s.pass(0)
	s.consent()
}

// importOthers imports windows or exclusions.
func (s *simulation) importOthers() {
	s.t.Helper()
	id, from := s.drawJoined().id(), 1+s.rng.IntN(s.days)
	day := s.start.AddDate(0, 0, from)
	what, text := "windows", fmt.Sprintf("participant_id,window,start_day,end_day\n*,first,1,2\n%s,own,%d,%d\n", id, from, from+1)
	if s.rng.IntN(2) == 0 {
		what, text = "exclusions", fmt.Sprintf("participant_id,from,to,reason\n%s,%[2]s 01:00,%[2]s 03:30,drawn\n", id, day.Format(time.DateOnly))
	}
	s.imported[what] = []string{what, "import", "--yes", s.file(what+".csv", text)}
	s.finish(s.imported[what]...)
}

// wrongClock syncs while this machine's clock is wrong: by minutes it is told, by more
// than a day nothing is done.
func (s *simulation) wrongClock() {
	s.t.Helper()
	defer func() { s.skew = 0 }()
	if s.skew = time.Duration(s.rng.IntN(240)-120) * time.Minute / 10; s.rng.IntN(2) == 0 {
		s.tell("clock %v ahead", s.skew)
		s.fetch("sync")
		return
	}
	s.skew = 30 * time.Hour
	s.tell("clock %v ahead", s.skew)
	// Nobody may be due, nobody connected or asked.
	s.do(append(fetchCodes(), exitCheck), "sync")
}

func (s *simulation) replay() { s.finish("replay") }

// damage harms a file of the lake: a replay or a repair mends the newest snapshot, and a
// repair says what older ones have lost. Those with a name must not lose anything.
func (s *simulation) damage() {
	s.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(s.tags)) {
		s.drop(name)
	}
	var tables []string
	for _, table := range []string{"glucose", "egvs", "events", "requests", "coverage", "changes"} {
		l, m := s.newest()
		if len(m.TableFiles(table)) > 0 {
			tables = append(tables, table)
		}
		l.Close()
	}
	table, how := tables[s.rng.IntN(len(tables))], []string{"gone", "cut", "rows", "footer"}[s.rng.IntN(4)]
	s.tell("damage: %s of %s", how, s.harmTable(table, how))
	s.harmed = true
	if s.rng.IntN(2) == 0 {
		s.do(append(fetchCodes(), exitDamage), "sync")
	}
	if s.rng.IntN(2) == 0 {
		s.finish("replay")
	}
	s.perhapsKilled("repair")
}

func (s *simulation) otherLog() {
	raw := "DEXETL_LAKE_RAW"
	s.env[raw] = map[string]string{"keep": "compact", "compact": "keep"}[s.env[raw]]
	s.tell("raw log: %s", s.env[raw])
	s.fetch("sync")
}

// stopShort ends a run before it is through; the next one goes on.
func (s *simulation) stopShort() {
	s.t.Helper()
	s.fetch("sync", "--max-calls", fmt.Sprint(1+s.rng.IntN(12)))
	s.fetch("sync")
}

// look runs what changes nothing.
func (s *simulation) look() {
	s.t.Helper()
	before := s.manifest().Snapshot
	for _, args := range [][]string{
		{"status"}, {"metrics", "--csv"}, {"participants", "list"}, {"runs"}, {"snapshots", "list"}, {"audit", "verify"},
		{"plan", "sync"}, {"query", "from daily_metrics"},
	} {
		if s.rng.IntN(3) == 0 {
			s.do([]int{exitDone}, args...)
		}
	}
	if after := s.manifest().Snapshot; after != before {
		s.t.Errorf("reading made snapshot %d of %d", after, before)
	}
}
