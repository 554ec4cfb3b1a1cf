package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var speedViews = flag.String("speed.views", smallSpeed, "participants x days of TestSpeedOfViews")

// TestSpeedOfViews measures what the metrics of a simulated cohort cost: publishing
// them for the first time, and reading every column of all rows of each view, as a
// process of its own.
func TestSpeedOfViews(t *testing.T) {
	oneAfterTheOther(t)
	s := &speed{t: t, size: *speedViews, dir: t.TempDir(), all: new(speeds), run: 1}
	if _, err := fmt.Sscanf(s.size, "%dx%d", &s.people, &s.days); err != nil {
		t.Fatalf("-speed.views %q: %v", s.size, err)
	}
	s.api = serveApart(t, selfOr(t, ""), s.people, s.days, 0)
	c := &contender{name: "dexetl", path: selfOr(t, ""), api: s.api}
	c.begin(s.dir)
	used, _ := c.run("backfill")
	landed := landedIn(t, c.dir)
	s.note(measured{Program: c.name, What: "backfill", Spent: used, Landed: &landed})
	s.publish(c, &landed)
	for _, view := range measuredViews() {
		used, out := c.run("query", "--timeout", "0s", "select count(columns(*)) from "+view)
		if everybody := fmt.Sprintf(`"participant_id": %d,`, s.people); view == "participant_metrics" && !strings.Contains(string(out), everybody) {
			t.Errorf("%s of %d people: %s", view, s.people, out)
		}
		s.note(measured{Program: c.name, What: view, Spent: used, Landed: &landed})
	}
	if s.size != smallSpeed {
		s.all.printViews(os.Stdout)
	}
}

// measuredViews are the metrics of every family, and what reads no metric at all: it
// costs what every query does.
func measuredViews() []string {
	return []string{
		"participants", "participant_metrics", "period_metrics", "daily_metrics", "consensus_metrics", "window_metrics", "sensor_metrics",
		"day_night_metrics", "meal_metrics", "meter_agreement", "agp_profile", "span_metrics", "episodes",
	}
}

// publish measures a sync that finds nothing new, and has to make the snapshot's folder
// anew.
func (s *speed) publish(c *contender, landed *landed) {
	c.run("sync")
	for _, name := range []string{"latest", "snapshots"} {
		if err := os.RemoveAll(filepath.Join(c.dir, "lake", name)); err != nil {
			s.t.Fatal(err)
		}
	}
	used, _ := c.run("sync")
	s.note(measured{Program: c.name, What: "a sync that publishes all", Spent: used, Landed: landed})
}

func (s speeds) printViews(to io.Writer) {
	head(to, "cohort | what | program | EGV rows | wall s | CPU s | peak MB")
	s.each(s.kinds(func(m measured) string { return m.What }), func(of speeds, m measured) {
		of.row(to, m, "%s | %.2f | %.2f | %.0f", thousands(m.rows()), m.Spent.Wall, m.Spent.CPU, float64(m.Spent.Peak)/1e6)
	})
}
