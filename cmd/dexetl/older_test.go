package main

import (
	"archive/zip"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	views "github.com/dexetl/dexetl/sql"
)

// storedStudy is a bench with a study that an older program left behind. Its
// API knows nobody in it.
func storedStudy(t *testing.T, archive string) *bench {
	t.Helper()
	b := openBench(t, dexsim.Config{Seed: 1}, time.Date(2026, 12, 3, 6, 0, 0, 0, time.UTC))
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
			// Whoever had rejects, or readings inside exclusions, has left that study.
			thinned := filepath.Base(archive) == "format-3.zip"
			was := b.table(content)[0]
			for name, n := range was {
				if n == "0" && (name != "rejects" || !thinned) {
					t.Errorf("no %s in the stored study", name)
				}
			}
			computed := []string{"daily_metrics", "completeness", "gaps", "sensor_sessions", "fetch_status", "agp_profile", "window_metrics"}
			b.must("query", "select count(*) from "+strings.Join(computed, " union all select count(*) from "))

			b.daysHaveAll(t)
			const metrics = "select participant_id, n_readings, n_values, mean_mgdl, n_excluded, n_implausible from participant_metrics order by 1"
			left := b.leavesOut(t)
			if strings.HasPrefix(left, "0 ") && !thinned {
				t.Errorf("readings inside exclusions, implausible and counted: %s", left)
			}
			had := b.table(metrics)
			if w := b.query(`select window_name, "window" from windows`)[0]; w[0] != w[1] || w[0] == "" {
				t.Errorf("windows are called %q", w)
			}
			if n := b.query("select count(*) from audit where made_at is null")[0][0]; n != "0" {
				t.Errorf("%s lines of the audit trail have no time", n)
			}

			outdated := b.told(t)
			if thinned {
				// Tags, receipts and keys without checksums are sound, too. What is sealed has no list
				// yet, which a replay makes.
				if code, _, stderr := b.run("verify"); code != exitDamage || !strings.Contains(stderr, "damaged: quarantine/sums.json: it is gone\n") {
					t.Errorf("verify: exit %d\n%s", code, stderr)
				}
			}
			code, stdout, stderr := b.run("sync", "--json")
			if code != exitConsent || !strings.Contains(stdout, `"outdated_tables": [`) {
				t.Fatalf("sync by a program that Dexcom gave no token: exit %d, want %d\n%s%s", code, exitConsent, stdout, stderr)
			}
			if again := b.databaseLeavesOut(t); again != left {
				t.Errorf("readings left out, by dexetl.duckdb: %s, want %s", again, left)
			}
			if again := b.outdated(); !slices.Equal(again, outdated) {
				t.Errorf("outdated after a sync: %q, before it: %q", again, outdated)
			}
			if is := b.table(content)[0]; !maps.Equal(is, was) {
				t.Errorf("after a sync: %v, before it: %v", is, was)
			}
			b.daysHaveAll(t)

			b.must("replay")
			if thinned {
				b.must("verify")
			}
			if left := b.told(t); len(left) > 0 {
				t.Errorf("outdated after a replay: %q", left)
			}
			b.daysHaveAll(t)
			if again := b.leavesOut(t); filepath.Base(archive) != "format-1.zip" && (again != left || !reflect.DeepEqual(b.table(metrics), had)) {
				t.Errorf("glucose says which readings are left out: %s, before a replay %s\nmetrics %v, before a replay %v", again, left, b.table(metrics), had)
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

// daysHaveAll checks that glucose_days is what its SQL says of glucose: rows of the lake,
// or told by it.
func (b *bench) daysHaveAll(t *testing.T) {
	t.Helper()
	const columns = "* replace (glucose_mgdl::varchar as glucose_mgdl, counts::varchar as counts)"
	told := "(select " + columns + " from (" + views.GlucoseDays() + "))"
	held := "(select " + columns + " from glucose_days)"
	if differ := b.query(fmt.Sprintf("(%s except %s) union all (%[2]s except %[1]s) order by 1, 2", held, told)); len(differ) > 0 {
		t.Errorf("glucose_days is not what glucose tells: %d rows, such as %q", len(differ), differ[0])
	}
	if n := b.query("select count(*) from glucose_days where n_values > 0")[0][0]; n == "0" {
		t.Error("glucose_days has no values")
	}
}

const leftOut = `select count(*) filter (where excluded = 'exclusion'), count(*) filter (where excluded = 'implausible'), count(*) filter (where excluded is null) from glucose`

// databaseLeavesOut is leavesOut for whoever opens the newest snapshot's database.
func (b *bench) databaseLeavesOut(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(b.dir, "lake", "latest", "dexetl.duckdb")+"?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n [3]int
	if err := db.QueryRowContext(t.Context(), leftOut).Scan(&n[0], &n[1], &n[2]); err != nil {
		t.Error(err)
	}
	return fmt.Sprint(n[0], n[1], n[2])
}

// leavesOut counts the readings that glucose says metrics leave out, and makes sure
// that these are the ones that they do, and some are inside exclusions.
func (b *bench) leavesOut(t *testing.T) string {
	t.Helper()
	said := b.query(leftOut)[0]
	did := b.query(`select sum(n_excluded)::bigint, sum(n_implausible)::bigint, sum(n_values)::bigint from daily_metrics`)[0]
	if !slices.Equal(said, did) || said[2] == "0" {
		t.Errorf("readings inside exclusions, implausible and counted: %q by glucose, %q by daily_metrics", said, did)
	}
	return strings.Join(said, " ")
}

// told is what status says of tables that an older program made; doctor, query
// and metrics say the same.
func (b *bench) told(t *testing.T) (tables []string) {
	t.Helper()
	tables = b.outdated()
	for _, command := range [][]string{{"doctor"}, {"status"}, {"query", "select 1"}, {"metrics"}} {
		_, stdout, stderr := b.run(command...)
		for _, table := range tables {
			if !strings.Contains(stdout+stderr, table+" ") && !strings.Contains(stdout+stderr, table+",") {
				t.Errorf("dexetl %s does not say that %s is outdated:\n%s%s", command[0], table, stdout, stderr)
			}
		}
		if said := strings.Contains(stdout+stderr, "an older dexetl made the lake"); said != (len(tables) > 0) {
			t.Errorf("dexetl %s says that the lake is of an older program: %v, outdated are %q", command[0], said, tables)
		}
	}
	return tables
}

// outdated are the tables of which status says that an older program made them.
func (b *bench) outdated() []string {
	b.t.Helper()
	var status struct {
		Outdated []string `json:"outdated_tables"`
	}
	b.decode(&status, "status", "--json")
	return status.Outdated
}
