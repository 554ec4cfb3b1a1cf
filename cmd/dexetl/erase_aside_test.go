//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// What a repair has set aside is looked into by whoever looks for somebody who was erased, and
// goes with them where they are in it, or where nobody can tell. The rest stays.
func TestErasureOfWhatWasSetAside(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 31, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	aside := map[string]string{ // what stands where the lake has something else, and where it goes
		"lake/opened":            "opened",
		"lake/tags":              "tags",
		"lake/load.lock/text":    "load.lock/text",
		"lake/gone.json/numbers": "gone.json/numbers",
	}
	table, err := os.ReadFile(b.oneOf("lake/data/egvs/*/*.parquet"))
	check(t, err)
	segment, err := os.ReadFile(b.oneOf("lake/raw/*/*/*.seg"))
	check(t, err)
	for path, content := range map[string]string{
		"lake/opened": string(table), "lake/tags": "nobody", "lake/load.lock/text": "a letter about P002", "lake/gone.json/numbers": string(segment),
	} {
		path = filepath.Join(b.dir, path)
		if filepath.Base(filepath.Dir(path)) != "lake" {
			check(t, os.RemoveAll(filepath.Dir(path)))
		}
		check(t, os.RemoveAll(path))
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(content), 0o600))
	}
	b.must("repair")
	for _, name := range aside {
		b.oneOf(filepath.Join("lake/damaged", name))
	}
	_, _, said := b.run("verify", "--absent", "P002")
	for from, name := range aside {
		if found := strings.Contains(said, "lake/damaged/"+name); found != (from != "lake/tags") {
			t.Errorf("verify --absent tells of %s: %v\n%s", name, found, said)
		}
	}
	b.must("withdraw", "P002", "--erase", "--reason", "asked to", "--yes")
	b.must("verify", "--absent", "P002")
	for from, name := range aside {
		if _, err := os.Stat(filepath.Join(b.dir, "lake/damaged", name)); (err == nil) != (from == "lake/tags") {
			t.Errorf("after the erasure, lake/damaged/%s: %v", name, err)
		}
	}
	receipt, err := os.ReadFile(b.oneOf("state/receipts/*.json"))
	check(t, err)
	if n := strings.Count(string(receipt), `"kind": "aside"`); n != 3 {
		t.Errorf("the receipt has %d files that were set aside, want 3:\n%s", n, receipt)
	}
}
