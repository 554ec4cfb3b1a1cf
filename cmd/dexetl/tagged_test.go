package main

import (
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// answersOf are all rows of the tables and views of a snapshot that have what depends on the
// order of readings, by name, and what metrics says of it.
func (b *bench) answersOf(which string) map[string]string {
	b.t.Helper()
	all := map[string]string{"metrics": b.must("metrics", "--csv", "--snapshot", which)}
	for _, r := range snapshot.Relations() {
		if r.Name == "episodes" || slices.ContainsFunc(r.Columns, func(c transform.Column) bool { return c.Name == "mage_mgdl" }) {
			all[r.Name] = b.must("query", "--csv", "--snapshot", which, "from "+r.Name+" order by all")
		}
	}
	return all
}

// exportedOf are the sorted rows of each table of an export of a snapshot, but for those that
// name one participant, or nobody.
func (b *bench) exportedOf(which, without string) map[string][]string {
	b.t.Helper()
	folder := filepath.Join(b.t.TempDir(), "export")
	b.must("export", "csv", "--snapshot", which, "-o", folder, "--reason", "test")
	names, err := filepath.Glob(filepath.Join(folder, "*.csv"))
	check(b.t, err)
	all := map[string][]string{}
	for _, name := range names {
		content, err := os.Open(name)
		check(b.t, err)
		rows, err := csv.NewReader(content).ReadAll()
		check(b.t, err)
		check(b.t, content.Close())
		for _, row := range rows {
			if !slices.Contains(row, without) {
				all[filepath.Base(name)] = append(all[filepath.Base(name)], strings.Join(row, ","))
			}
		}
		slices.Sort(all[filepath.Base(name)])
	}
	return all
}

// filesOfLake are the files of the lake, but for marks of who opened something.
func (b *bench) filesOfLake() (names []string) {
	b.t.Helper()
	check(b.t, filepath.WalkDir(filepath.Join(b.dir, "lake"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.Contains(name, "/opened/") {
			names = append(names, name)
		}
		return err
	}))
	return names
}

// A tagged snapshot gives the same digits after somebody has withdrawn, by whichever command,
// though its folder is gone; so does the copy of a lake without folders. Nothing of what is
// computed for that stays.
func TestTaggedSnapshotAnswersAsEver(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 16, Participants: 3, Days: 16, End: demoNow})
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "a paper")
	before, exported := b.answersOf("paper"), b.exportedOf("paper", "P003")
	if len(before) != 8 || len(before["span_metrics"]) < 2000 || len(before["episodes"]) < 500 || !slices.Contains(mapped(exported["daily_metrics.csv"], func(row string) bool { return strings.HasPrefix(row, "P002,") }), true) {
		t.Fatalf("nothing is computed of the snapshot, or nothing exported:\n%s\n%q", before["span_metrics"], exported["daily_metrics.csv"])
	}
	b.must("--yes", "withdraw", "P003", "--effective", demoNow.AddDate(0, 0, -9).Format(time.RFC3339), "--reason", "test")
	if _, err := os.Stat(filepath.Join(b.dir, "lake/snapshots/000001")); err == nil {
		t.Fatal("the folder of the tagged snapshot is there yet")
	}
	files := b.filesOfLake()
	if diff := cmp.Diff(before, b.answersOf("paper")); diff != "" {
		t.Errorf("query and metrics (-before the withdrawal +after it):\n%s", diff)
	}
	if diff := cmp.Diff(exported, b.exportedOf("paper", "P003")); diff != "" {
		t.Errorf("export (-before the withdrawal +after it):\n%s", diff)
	}
	if diff := cmp.Diff(files, b.filesOfLake()); diff != "" {
		t.Errorf("files of the lake (-before +after what was asked):\n%s", diff)
	}
	for statement, tells := range map[string]bool{
		"select count(mage_mgdl) from Daily_Metrics": true, "select count(*) from EPISODES": true, "select count(*) from glucose": false,
	} {
		if _, _, said := b.run("query", "--snapshot", "paper", statement); strings.Contains(said, "all of it is computed now") != tells {
			t.Errorf("query %q of a snapshot without a folder says %q", statement, said)
		}
	}

	now := b.answersOf("latest")
	check(t, os.RemoveAll(filepath.Join(b.dir, "lake/snapshots")))
	check(t, os.Remove(filepath.Join(b.dir, "lake/latest")))
	if diff := cmp.Diff(now, b.answersOf("latest")); diff != "" {
		t.Errorf("the newest snapshot (-with its folder +without):\n%s", diff)
	}
}
