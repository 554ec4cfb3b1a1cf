package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// An older snapshot is asked by its own roster and windows, whatever has become of them.
func TestSnapshotKeepsItsRosterAndWindows(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 16, Participants: 3, Days: 4})
	b.must("participants", "import", b.file("then.csv", "participant_id,cohort,site\nP001,A,North\nP002,A,South\nP003,B,North\n"))
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,base,1,2\nP001,visit,3,3\n"))
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "a paper")
	asked := [][]string{
		{"--cohort", "A"}, {"--site", "North", "--window", "base"}, {"--shard", "2/3"}, {"--window", "visit"}, {"P003", "--cohort", "B"},
	}
	answers := func(args []string) string {
		return b.must(append([]string{"metrics", "--snapshot", "paper", "--csv"}, args...)...)
	}
	exported := func(args []string) string {
		return b.must(append([]string{"export", "csv", "--snapshot", "paper", "--tables", "glucose", "--json", "-o", filepath.Join(t.TempDir(), "out")}, args...)...)
	}
	participants := func(text string) string { return strings.Split(text, `"path"`)[0] }
	var before, out []string
	for _, args := range asked {
		before, out = append(before, answers(args)), append(out, participants(exported(args)))
	}
	if strings.Count(before[0], "\n") != 3 || strings.Count(before[1], "\n") != 3 || strings.Count(before[3], "\n") != 2 {
		t.Fatalf("metrics are of %q", before)
	}

	b.must("participants", "import", b.file("now.csv", "participant_id,cohort,site\nP001,C,South\nP002,A,South\nP003,A,South\n"), "--yes")
	b.must("windows", "import", b.file("now_windows.csv", "participant_id,window,start_day,end_day\n*,other,1,2\n"), "--yes")
	for i, args := range asked {
		if now := answers(args); now != before[i] {
			t.Errorf("metrics %q of the tagged snapshot:\n%sand now:\n%s", args, before[i], now)
		}
		if now := participants(exported(args)); now != out[i] {
			t.Errorf("export %q of the tagged snapshot:\n%sand now:\n%s", args, out[i], now)
		}
	}
	if said := b.must("report", "--snapshot", "paper", "--cohort", "B", "-o", filepath.Join(t.TempDir(), "report")); !strings.Contains(said, "1 participant") {
		t.Errorf("report of the cohort that P003 had: %s", said)
	}
	for says, args := range map[string][]string{
		`there is no window "other"; there is base and visit`: {"metrics", "--snapshot", "paper", "--window", "other"},
		`there is no window "base"; there is other`:           {"metrics", "--window", "base"},
		`--cohort "C": the roster has A and B`:                {"metrics", "--snapshot", "paper", "--cohort", "C"},
		`--cohort "B": the roster has A and C`:                {"metrics", "--cohort", "B"},
		`unknown participant "P004"`:                          {"metrics", "--snapshot", "paper", "P004"},
	} {
		if code, _, said := b.run(args...); code != exitUsage || !strings.Contains(said, says) {
			t.Errorf("%q: exit %d, want 2 and %q\n%s", args, code, says, said)
		}
	}
}
