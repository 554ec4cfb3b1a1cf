package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// othersRows are all rows of tables and views of a snapshot but those of P002, and of what
// every commit changes.
func (b *bench) othersRows(which string, of []transform.Table) (rows []string) {
	b.t.Helper()
	var parts []string
	for _, t := range of {
		if slices.Contains([]string{"audit", "runs"}, t.Name) || t.Hidden {
			continue
		}
		where := ""
		for _, c := range t.Columns {
			if c.Name == "participant_id" || t.Name == "iglu" && c.Name == "id" {
				where = " where " + c.Name + " not in ('P002', '')"
			}
		}
		parts = append(parts, "select '"+t.Name+" ' || to_json(r)::varchar as row from "+t.Name+" r"+where)
	}
	var out struct{ Rows []map[string]string }
	b.decode(&out, "query", "--json", "--snapshot", which, strings.Join(parts, " union all ")+" order by 1")
	for _, row := range out.Rows {
		rows = append(rows, row["row"])
	}
	return rows
}

// absent checks that P002 is nowhere, and that the study says of itself that all is well.
func (b *bench) absent() {
	b.t.Helper()
	for _, args := range [][]string{{"verify", "--absent", "P002"}, {"verify"}, {"audit", "verify"}} {
		if code, stdout, stderr := b.run(args...); code != exitDone {
			b.t.Errorf("%v: exit %d, want 0\n%s%s", args, code, stdout, stderr)
		}
	}
	var replayed struct{ Equal, Identical bool }
	b.decode(&replayed, "replay", "--dry-run", "--json")
	if !replayed.Equal || !replayed.Identical {
		b.t.Error("the replay of the log is not the lake")
	}
}

// erasable is a study of three with tags and a compacted log, whom something happened to
// for some days.
func erasable(t *testing.T, days int) *bench {
	t.Helper()
	b := newBenchAt(t, dexsim.Config{
		Seed: 4, Participants: 3, Days: days, End: demoNow,
		Chaos: dexsim.Chaos{Kinds: dexsim.Late | dexsim.Edit | dexsim.Delete | dexsim.Revise | dexsim.Enums},
	}, demoNow.AddDate(0, 0, -3))
	b.env["DEXETL_LAKE_RAW"] = "compact"
	b.must("backfill")
	b.must("snapshots", "tag", "first", "--reason", "a paper")
	b.now = b.now.AddDate(0, 0, 2)
	b.must("sync")
	b.must("snapshots", "tag", "paper", "--reason", "another")
	b.now = demoNow
	b.must("sync")
	return b
}

// Of somebody who is erased only the name is left, anywhere. All others have the rows that
// they had, to the last one, also in snapshots that are tagged; files without a row of
// the one are the same; the log folded anew is the lake; and the study goes on.
func TestErase(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := erasable(t, 5)
	latest, paper := b.othersRows("latest", snapshot.Relations()), b.othersRows("paper", snapshot.Relations())
	before := b.manifest()
	ids := b.lines("select distinct record_id from egvs where participant_id = 'P002' union select distinct connection_id from connections where participant_id = 'P002'")
	if code, _, stderr := b.run("verify", "--absent", "P002"); code != exitDamage || !strings.Contains(stderr, "withdraw P002 --erase") {
		t.Errorf("verify --absent of somebody who is there: exit %d\n%s", code, stderr)
	}
	if code, _, stderr := b.run("withdraw", "P002", "--erase", "--reason", "asked to"); code != exitUsage || !strings.Contains(stderr, "--yes") {
		t.Errorf("withdraw --erase without --yes: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
	var done struct {
		Receipt string
		Counts  map[string]int64
	}
	b.decode(&done, "withdraw", "P002", "--erase", "--reason", "asked to", "--yes", "--json")
	b.absent()
	for what, n := range done.Counts {
		if n == 0 && what != "quarantine" {
			t.Errorf("the receipt counts no %s", what)
		}
	}
	receipt, err := os.ReadFile(done.Receipt)
	if err != nil || !json.Valid(receipt) || !strings.Contains(string(receipt), "asked to") {
		t.Errorf("receipt %s: %v", receipt, err)
	}
	for which, want := range map[string][]string{"latest": latest, "paper": paper} {
		if got := b.othersRows(which, snapshot.Relations()); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows of others, want the %d before; they differ first in\n%s", which, len(got), len(want), firstDifference(got, want))
		}
	}
	var absent struct{ Absent bool }
	if b.decode(&absent, "verify", "--absent", "P002", "--json"); !absent.Absent {
		t.Error("verify --absent --json does not say that P002 is absent")
	}
	b.onlyTheirFiles(before, string(receipt))
	b.nowhere(ids)
	b.goesOnWithout()
}

// onlyTheirFiles checks that data files that the receipt does not name are part of the
// newest snapshot as before.
func (b *bench) onlyTheirFiles(before lake.Manifest, receipt string) {
	b.t.Helper()
	now := b.manifest()
	for _, f := range before.Files {
		t, _ := transform.TableNamed(f.Table)
		is := slices.ContainsFunc(now.Files, func(g lake.File) bool { return g.Path == f.Path && g.SHA256 == f.SHA256 })
		if !is && t.Kind != transform.Study && !strings.Contains(receipt, f.Path) {
			b.t.Errorf("%s (%s to %s) was written anew", f.Path, f.FirstParticipant, f.LastParticipant)
		}
	}
}

// nowhere checks that no file of the study has any of these texts.
func (b *bench) nowhere(texts []string) {
	b.t.Helper()
	if len(texts) < 100 {
		b.t.Fatalf("only %d texts to look for", len(texts))
	}
	wanted := make(map[string]bool)
	for _, text := range texts {
		wanted[text] = true
	}
	err := filepath.WalkDir(b.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if strings.HasSuffix(path, ".parquet") {
			_, err := lake.Texts(path, func(column string, text []byte) {
				if wanted[string(text)] {
					b.t.Errorf("%s has %s in %s", path, text, column)
				}
			})
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(string(content), text) {
				b.t.Errorf("%s has %s", path, text)
			}
		}
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
}

// goesOnWithout checks that neither a sync nor an import of the roster brings anything
// back, and that an older state is found out.
func (b *bench) goesOnWithout() {
	b.t.Helper()
	b.now = b.now.AddDate(0, 0, 1)
	if code, _, stderr := b.run("sync"); code != exitDone {
		b.t.Errorf("sync: exit %d\n%s", code, stderr)
	}
	roster := filepath.Join(filepath.Dir(b.dir), "roster.csv")
	if code, _, stderr := b.run("participants", "import", roster); code != exitDone || !strings.Contains(stderr, "P002 was erased") {
		b.t.Errorf("participants import: exit %d, want 0 and that P002 was left out\n%s", code, stderr)
	}
	b.must("sync")
	b.absent()
	if out := b.must("withdraw", "P002", "--erase", "--reason", "again", "--yes"); !strings.Contains(out, "P002 is erased") {
		b.t.Errorf("withdraw --erase again says\n%s", out)
	}
	b.absent()
}
