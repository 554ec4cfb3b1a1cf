package main

import (
	"archive/zip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// storedStudy is a bench with a study that an older program left behind. Its
// API knows nobody in it.
func storedStudy(t *testing.T, archive string) *bench {
	t.Helper()
	b := openBench(t, dexsim.Config{Seed: 1}, time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC))
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
	files, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := os.CopyFS(b.dir, files); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"client-secret", "state/sealing.key"} {
		if err := os.Chmod(filepath.Join(b.dir, secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.env["DEXETL_API_BASE_URL"] = b.url
	b.env["DEXETL_STUDY_HISTORY"] = "all"
	return b
}

// What every older format left behind opens for ever: it is read, gone on with,
// and made anew. testdata/studies says what is in each.
func TestOlderStudies(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	archives, err := filepath.Glob("../../testdata/studies/*.zip")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no stored studies: %v", err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".zip"), func(t *testing.T) {
			b := storedStudy(t, archive)
			const content = `select
				(select count(*) from glucose) as readings, (select count(glucose_mgdl) from glucose) as readable,
				(select count(*) from egvs) as egvs, (select count(*) from events) as events, (select count(*) from rejects) as rejects,
				(select count(*) from withdrawals) as withdrawals, (select count(*) from exclusions) as exclusions,
				(select count(*) from windows) as windows, (select count(*) from participants) as participants`
			was := b.table(content)[0]
			for name, n := range was {
				if n == "0" {
					t.Errorf("no %s in the stored study", name)
				}
			}
			for _, view := range []string{"daily_metrics", "completeness", "gaps", "sensor_sessions", "fetch_status", "agp_profile", "window_metrics"} {
				b.must("query", "select count(*) from "+view)
			}

			outdated := b.told(t)
			code, stdout, stderr := b.run("sync", "--json")
			if code != exitConsent || !strings.Contains(stdout, `"outdated_tables": [`) {
				t.Fatalf("sync by a program that Dexcom gave no token: exit %d, want %d\n%s%s", code, exitConsent, stdout, stderr)
			}
			if again := b.told(t); !slices.Equal(again, outdated) {
				t.Errorf("outdated after a sync: %q, before it: %q", again, outdated)
			}
			if is := b.table(content)[0]; !maps.Equal(is, was) {
				t.Errorf("after a sync: %v, before it: %v", is, was)
			}

			b.must("replay")
			if left := b.told(t); len(left) > 0 {
				t.Errorf("outdated after a replay: %q", left)
			}
			is := b.table(content)[0]
			if is["egvs"] != was["egvs"] || is["events"] != was["events"] || is["withdrawals"] != was["withdrawals"] {
				t.Errorf("after a replay: %v, before it: %v", is, was)
			}
			if n := b.query("select count(*) from glucose where cadence_min is null")[0][0]; n != "0" {
				t.Errorf("after a replay %s readings have no cadence", n)
			}
			if code, _, said := b.run("replay", "--dry-run"); code != exitDone || !strings.Contains(said, "would make it equal") {
				t.Errorf("a second replay: exit %d, it finds a difference:\n%s", code, said)
			}
		})
	}
}

// told is what status says of tables that an older program made; doctor, query
// and metrics say the same.
func (b *bench) told(t *testing.T) (tables []string) {
	t.Helper()
	var status struct {
		Outdated []string `json:"outdated_tables"`
	}
	b.decode(&status, "status", "--json")
	for _, command := range [][]string{{"doctor"}, {"status"}, {"query", "select 1"}, {"metrics"}} {
		_, stdout, stderr := b.run(command...)
		for _, table := range status.Outdated {
			if !strings.Contains(stdout+stderr, table+" ") && !strings.Contains(stdout+stderr, table+",") {
				t.Errorf("dexetl %s does not say that %s is outdated:\n%s%s", command[0], table, stdout, stderr)
			}
		}
		if said := strings.Contains(stdout+stderr, "an older dexetl made the lake"); said != (len(status.Outdated) > 0) {
			t.Errorf("dexetl %s says that the lake is of an older program: %v, outdated are %q", command[0], said, status.Outdated)
		}
	}
	return status.Outdated
}
