package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/study"
)

// Of very many fields that nobody has seen a run names 20, printable, and counts the
// others; the state remembers no more, and the next run names others.
func TestFewFieldsAreNamed(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 1, Days: 2, End: demoNow}, demoNow.AddDate(0, 0, 20))
	fields, records := 0, 0
	b.between("egvs", func(answer map[string]any) {
		for _, record := range answer["records"].([]any) {
			for n := range 3 {
				record.(map[string]any)[fmt.Sprintf("new%03d.%d\x1b[31m", records%100, n)] = 1
				fields++
			}
			records++
		}
	})
	seen := make(map[string]bool)
	for run, ask := range [][]string{{"backfill"}, {"refresh", "P001", "--from", "2026-03-01", "--to", "2026-05-20"}} {
		b.now = b.now.Add(time.Hour)
		fields, records = 0, 0
		code, stdout, stderr := b.run(ask...)
		out := stdout + stderr
		if code != exitDone || records < 101 || strings.Contains(out, "\x1b") {
			t.Fatalf("%v of %d records: exit %d\n%q", ask, records, code, out)
		}
		named := regexp.MustCompile(`unknown field (\S+) \[31m \((\d+) times\)`).FindAllStringSubmatch(out, -1)
		rest := regexp.MustCompile(`and ([\d,]+) times fields or values that are not named here`).FindStringSubmatch(out)
		if len(named) != study.NamedWarnings || rest == nil {
			t.Fatalf("%v: %d fields named, the others %q; want %d\n%s", ask, len(named), rest, study.NamedWarnings, out)
		}
		sum, err := strconv.Atoi(strings.ReplaceAll(rest[1], ",", ""))
		for _, n := range named {
			times, e := strconv.Atoi(n[2])
			if seen[n[1]] || e != nil {
				t.Errorf("%v: %s is named again", ask, n[1])
			}
			seen[n[1]] = true
			sum += times
		}
		if run == 0 && (err != nil || sum != fields) {
			t.Errorf("%v: %d fields told, %v; %d were sent", ask, sum, err, fields)
		}
	}
}
