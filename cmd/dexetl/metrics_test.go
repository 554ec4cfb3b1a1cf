package main

import (
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// Of whom a baseline loses days to the rule that it ends before anchor_date, --select
// says; without it nobody loses any.
func TestSelectSaysWhatABaselineLoses(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 3, Days: 10, End: demoNow})
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,Baseline,1,5\nP002,Baseline,-4,-1\nP003,Baseline,-3,2\n*,later,1,5\n"))
	b.must("backfill")
	const rule = "with --select, a window called baseline ends before anchor_date, day 1: "
	all := []string{
		rule + "no day of it is left for 1 of 3, whose window begins on that day or later: P001;",
		rule + "its later days are left out for 1 of 3: P003\n",
	}
	for args, want := range map[string][]string{
		"--window Baseline --select last2":           all,
		"--window Baseline --select last2 P001":      {"for 1 of 1, whose window begins"},
		"--window Baseline --select last2 P002":      nil,
		"--window Baseline --select last2 P002 P003": {"for 1 of 2: P003"},
		"--window Baseline":                          nil,
		"--window later --select last2":              nil,
		"--select last2":                             nil,
	} {
		code, _, stderr := b.run(append([]string{"metrics", "--csv"}, strings.Fields(args)...)...)
		if code != exitDone || strings.Count(stderr, rule) != len(want) {
			t.Errorf("%s: exit %d, says\n%s\nwant %d lines", args, code, stderr, len(want))
		}
		for _, line := range want {
			if !strings.Contains(stderr, line) {
				t.Errorf("%s: says\n%s\nwant %q", args, stderr, line)
			}
		}
	}
}

// Who has no day among dates is named, and has no dates in the table.
func TestMetricsOfDatesOutsideTheStudy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 2, Days: 5, End: demoNow})
	b.must("backfill")
	b.now = b.now.AddDate(100, 0, 0) // a first date to come is refused
	for args, outside := range map[string]bool{"--from 2099-01-01": true, "--to 2001-01-01": true, "--to 2001-01-01 --select last2": true, "--to 2099-01-01 --select last2": false, "--select last2": false} {
		_, stdout, stderr := b.run(append([]string{"metrics", "--csv"}, strings.Fields(args)...)...)
		if said := strings.Contains(stderr, "no day of their study lies in these dates: P001, P002"); said != outside {
			t.Errorf("%s says\n%s", args, stderr)
		}
		empty := strings.HasSuffix(selectColumns(t, stdout, []string{"participant_id", "first_date", "last_date"}), "\nP001,,\nP002,,\n")
		if empty != outside {
			t.Errorf("%s: has dates %v, want %v\n%s", args, !empty, !outside, stdout)
		}
	}
}
