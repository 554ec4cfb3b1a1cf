package main

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/raw"
)

// smallSpeed is what every run of the tests can pay: it shows that TestSpeed works.
const smallSpeed = "2x3"

var (
	speedSize     = flag.String("speed", smallSpeed, "participants x days of TestSpeed, several with commas")
	speedRuns     = flag.Int("speed.runs", 1, "how often TestSpeed measures; it prints medians")
	speedSyncs    = flag.Int("speed.syncs", 1, "hourly syncs with news in TestSpeed, and half as many without")
	speedPrograms = flag.String("speed.programs", "", "NAME=FILE of test programs of this package to compare, with commas; none: this one")
	speedLines    = flag.String("speed.json", "", "file to which TestSpeed appends each measurement as a line of JSON")
	speedProfile  = flag.String("speed.profile", "", "folder for CPU profiles of a backfill and a replay by TestSpeed, as further runs")
	speedPeers    = flag.String("speed.peers", "", "scripts that land the same egvs, with commas, which TestSpeed runs instead of replay and floor, by .venv/bin/python")
)

// TestSpeed measures whole processes, as docs/performance.md says: backfill and
// replay of a simulated cohort, the floor beside them, and hourly syncs on top.
func TestSpeed(t *testing.T) {
	oneAfterTheOther(t)
	var all speeds
	for size := range strings.SplitSeq(*speedSize, ",") {
		s := &speed{t: t, size: size, dir: t.TempDir(), all: &all}
		if _, err := fmt.Sscanf(size, "%dx%d", &s.people, &s.days); err != nil {
			t.Fatalf("-speed %q: %v", size, err)
		}
		s.measure()
	}
	if *speedSize != smallSpeed {
		all.print(os.Stdout)
	}
}

// A speed is one cohort that is measured.
type speed struct {
	t            *testing.T
	size, dir    string
	people, days int
	api          *servedApart
	contenders   []*contender
	questions    string // file of what was asked for egvs
	run          int
	all          *speeds
}

func (s *speed) measure() {
	s.api = serveApart(s.t, selfOr(s.t, ""), s.people, s.days, *speedSyncs)
	s.contenders = s.enter()
	for s.run = 1; s.run <= *speedRuns; s.run++ {
		for _, c := range s.contenders {
			s.whole(c)
		}
		if *speedPeers != "" {
			s.peers()
			continue
		}
		s.floor()
	}
	if *speedProfile != "" {
		s.profile(s.contenders[0])
	}
	if *speedPeers == "" {
		s.hours()
	}
}

// enter makes the contenders and lets the API make its data, which it keeps.
func (s *speed) enter() (contenders []*contender) {
	for named := range strings.SplitSeq(*speedPrograms, ",") {
		name, path, ok := strings.Cut(named, "=")
		if !ok {
			name = "dexetl"
		}
		c := &contender{name: name, path: selfOr(s.t, path), api: s.api}
		if *speedPeers != "" {
			c.only = []string{"egvs"}
		}
		contenders = append(contenders, c)
	}
	first := *contenders[0]
	first.begin(s.t.TempDir())
	first.run("backfill")
	s.ask(first.dir)
	return contenders
}

// note keeps a measurement.
func (s *speed) note(m measured) {
	m.Size, m.Run = s.size, s.run
	*s.all = append(*s.all, m)
	if *speedLines == "" {
		return
	}
	to, err := os.OpenFile(*speedLines, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		err = json.NewEncoder(to).Encode(m)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	to.Close()
}

// whole measures backfill, and replay, of a new study.
func (s *speed) whole(c *contender) {
	c.begin(filepath.Join(s.t.TempDir(), c.name))
	used, _ := c.run("backfill")
	backfilled := landedIn(s.t, c.dir)
	s.note(measured{Program: c.name, What: "backfill", Spent: used, Landed: &backfilled})
	if *speedPeers != "" {
		return
	}
	used, _ = c.run("replay")
	replayed := landedIn(s.t, c.dir)
	for _, table := range []string{"egvs", "glucose"} {
		if a, b := backfilled.Rows[table], replayed.Rows[table]; a == 0 || a != b {
			s.t.Fatalf("%d rows of %s after backfill, %d after replay", a, table, b)
		}
	}
	s.note(measured{Program: c.name, What: "replay", Spent: used, Landed: &replayed})
}

// profile writes CPU profiles.
func (s *speed) profile(c *contender) {
	c.begin(filepath.Join(s.t.TempDir(), "profile"))
	for _, command := range []string{"backfill", "replay"} {
		s.t.Setenv(profileVariable, filepath.Join(*speedProfile, fmt.Sprintf("%s-%s.pprof", command, s.size)))
		c.runAs("speed-profile", command)
	}
}

// ask writes down what a backfill asked for egvs, and tokens that may ask it again.
func (s *speed) ask(study string) {
	log, err := raw.Open(filepath.Join(study, "lake", "raw"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.questions = filepath.Join(s.t.TempDir(), "questions.csv")
	file, err := os.Create(s.questions)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	rows := csv.NewWriter(file)
	rows.Write([]string{"url", "access_token", "participant_id", "window_start", "window_end"}) //nolint:errcheck // Flush tells
	tokens := s.api.access()
	for e, err := range log.Entries(raw.Position{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if e.Resource == "egvs" {
			const layout = "2006-01-02T15:04:05"
			url := fmt.Sprintf("%s/v3/users/self/egvs?startDate=%s&endDate=%s", s.api.url, e.WindowStart.Format(layout), e.WindowEnd.Format(layout))
			rows.Write([]string{url, tokens[e.ParticipantID], e.ParticipantID, e.WindowStart.Format(time.RFC3339), e.WindowEnd.Format(time.RFC3339)}) //nolint:errcheck // Flush tells
		}
	}
	if rows.Flush(); rows.Error() != nil {
		s.t.Fatal(rows.Error())
	}
}

// floor measures the floor of the newest study of the first contender.
func (s *speed) floor() {
	used, out := spend(s.t, asCommand(selfOr(s.t, ""), "speed-floor", s.questions, filepath.Join(s.contenders[0].dir, "lake"), s.t.TempDir()))
	var said struct {
		Spent map[string]time.Duration
		Rows  map[string]int64
	}
	if err := json.Unmarshal(out, &said); err != nil {
		s.t.Fatal(err)
	}
	live := landedIn(s.t, s.contenders[0].dir).Rows
	if said.Rows["glucose"] != live["glucose"] || said.Rows["egvs"] < live["egvs"] {
		s.t.Fatalf("the floor has rows %v, the lake %v", said.Rows, live)
	}
	s.note(measured{Program: "floor", What: "floor", Spent: used, Stages: said.Spent, Rows: said.Rows["egvs"]})
}
