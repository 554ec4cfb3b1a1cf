package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A path at which nothing can be made, and one that only a shell knows, is wrong usage that
// says what to do, with every command; and no folder of the name ~ is made.
func TestPathsThatCannotBe(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1, Reusable: true})
	b.must("backfill")
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	file := b.file("file", "")
	for _, path := range []string{"/proc/x", filepath.Join(file, "x"), "~/x"} {
		for _, command := range [][]string{
			{"export", "csv", "-o", path}, {"export", "duckdb", "--output", path}, {"report", "-o", path}, {"report", "--run", "last", "-o", path},
			{"backup", path}, {"restore", backup, path},
		} {
			words := "another path"
			if strings.HasPrefix(path, "~") {
				words = "known to shells alone"
			}
			b.tells(exitUsage, words, command...)
		}
	}
	for _, command := range [][]string{
		{"init", "~/x"}, {"demo", "~/x"}, {"invite", "P001", "--png", "~/x"}, {"invite", "P001", "--csv=~/x"}, {"connect", "--export", "~/x"},
		{"participants", "import", "~/x.csv"}, {"metrics", "--input", "~/x.csv"}, {"restore", "--trail", "~/x", backup, "new"}, {"--study", "~", "status"},
	} {
		b.tells(exitUsage, "known to shells alone", command...)
	}
	if _, err := os.Lstat("~"); err == nil {
		t.Error("there is a folder ~")
	}
}

// Restore tells what --trail takes, and where it is near the path that was given.
func TestRestoreWithoutATrail(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1, Reusable: true})
	backup, state := filepath.Join(filepath.Dir(b.dir), "backup"), filepath.Join(b.dir, "state")
	b.must("participants", "pause", "P001")
	b.must("backup", backup)
	for given, next := range map[string]string{
		"/nope": "or restore without --trail", b.dir: "--trail " + filepath.Join(state, "audit.jsonl"), state: "--trail " + filepath.Join(state, "audit.jsonl"),
	} {
		b.tells(exitUsage, next, "restore", "--trail", given, backup, filepath.Join(t.TempDir(), "new"))
	}
}
