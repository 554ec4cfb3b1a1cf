package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// unsealing takes away all that state.db says of seals.
var unsealing = []string{
	"update connections set seal = ''", "update tokens set seal = '', previous_hash = ''", "update token_answers set seal = ''",
	"update oauth_states set seal = ''", "update invitations set seal = ''", "delete from meta where key = 'sealed'",
}

// edit changes the state's file beside the program.
func (b *bench) edit(statements ...string) {
	b.t.Helper()
	db := b.database()
	for _, q := range statements {
		_, err := db.Exec(q)
		check(b.t, err)
	}
	check(b.t, db.Close())
}

// trailAttacks take from the audit trail that rows were sealed.
func trailAttacks() map[string]func(b *bench) {
	path := func(b *bench) string { return filepath.Join(b.dir, "state/audit.jsonl") }
	sealing := func(line string) bool { return strings.Contains(line, `"sealed_connections"`) }
	return map[string]func(b *bench){
		"untouched": func(*bench) {},
		"line missing": func(b *bench) {
			text, err := os.ReadFile(path(b))
			check(b.t, err)
			check(b.t, os.WriteFile(path(b), []byte(strings.Join(slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), sealing), "")), 0o600))
		},
		"file emptied": func(b *bench) { check(b.t, os.Truncate(path(b), 0)) },
		"file deleted": func(b *bench) { check(b.t, os.Remove(path(b))) },
		"rewritten":    func(b *bench) { b.rewrite(func(l []string) []string { return slices.DeleteFunc(l, sealing) }) },
		"none, and none known": func(b *bench) {
			check(b.t, os.Remove(path(b)))
			b.edit("delete from audit_pending", "update audit_head set seq = 0, hash = '', bytes = 0")
		},
		"rewritten, and the lake's memory gone": func(b *bench) {
			b.rewrite(func(l []string) []string { return slices.DeleteFunc(l, sealing) })
			check(b.t, os.RemoveAll(filepath.Join(b.dir, "lake/data/audit")))
			check(b.t, os.RemoveAll(filepath.Join(b.dir, "lake/data/connections")))
		},
		"rewritten, and in the newest snapshot": func(b *bench) {
			b.rewrite(func(l []string) []string { return slices.DeleteFunc(l, sealing) })
			b.run("windows", "import", b.file("w.csv", "participant_id,window,start,end\n*,first week,2026-04-08,2026-04-10\n"))
		},
	}
}

// Two people exchanged in a state whose seals were taken away: it is not sealed anew,
// whatever became of the audit trail, and nothing is asked.
func TestExchangedAndUnsealed(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	s := b.save()
	for attack, mislead := range trailAttacks() {
		for what, edits := range exchanges() {
			if what != "participants" && attack != "line missing" && attack != "rewritten, and in the newest snapshot" {
				continue // who looks at the trail does not look at what was exchanged
			}
			t.Run(attack+"/"+what, func(t *testing.T) {
				s.back(t)
				restore := b.backup("state.db", "audit.jsonl")
				b.edit(append(slices.Clone(edits), unsealing...)...)
				mislead(b)
				b.now = b.now.Add(3 * time.Hour)
				asked := b.counted()
				for _, command := range []string{"status", "sync", "backfill", "connect P001 --manual", "sync"} {
					code, _, stderr := b.run(strings.Fields(command)...)
					if code != exitDamage || asked.Load() != 0 {
						t.Errorf("%s: exit %d after %d requests, want %d and none\n%s", command, code, asked.Load(), exitDamage, stderr)
					}
					named := strings.Contains(stderr, "P001") && strings.Contains(stderr, "P002")
					if (what == "participants" || what == "accounts") && !strings.Contains(attack, "rewritten, and") && !named {
						t.Errorf("%s names not both:\n%s", command, stderr)
					}
				}
				if !strings.Contains(attack, "rewritten, and") { // the lake has to be restored too
					restore()
					b.must("sync")
				}
			})
		}
	}
}

// Where no backup is left, a new state goes on: everybody signs in again.
func TestUnsealedWithoutBackup(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 2})
	b.must("backfill")
	b.edit(unsealing...)
	if code, _, stderr := b.run("sync"); code != exitDamage || !strings.Contains(stderr, "move both away") {
		t.Errorf("sync: exit %d, want %d\n%s", code, exitDamage, stderr)
	}
	for _, name := range []string{"state.db", "state.db-wal", "state.db-shm", "audit.jsonl"} {
		_ = os.Remove(filepath.Join(b.dir, "state", name)) // some are not there
	}
	check(t, os.WriteFile(filepath.Join(b.dir, "state", "state.db"), nil, 0o600))
	b.must("connect", "--public-key")
	b.must("participants", "import", b.file("roster.csv", "participant_id\nP001\nP002\n"))
	if code, _, stderr := b.run("sync"); code != exitConsent {
		t.Errorf("sync of a new state: exit %d, want %d\n%s", code, exitConsent, stderr)
	}
}

// An older state beside a lake that has lost its memory: nothing is asked, and what the
// errors name helps.
func TestOlderStateAndLostMemory(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	older := b.backup("state.db", "audit.jsonl")
	b.must("withdraw", "P001", "--effective", "2026-04-12", "--reason", "moved", "--yes")
	newest := b.backup("state.db", "audit.jsonl")
	s := b.save()
	for _, harm := range []string{"gone", "cut", "rows"} {
		for _, tables := range []string{"audit withdrawals", "audit", "withdrawals"} {
			for _, backup := range []bool{true, false} {
				if tables != "audit withdrawals" && (harm != "gone" || backup) || harm != "gone" && backup {
					continue // what a backup mends does not depend on what was lost
				}
				name := harm + "/" + tables
				if backup {
					name += "/backup"
				}
				t.Run(name, func(t *testing.T) {
					s.back(t)
					older()
					for table := range strings.FieldsSeq(tables) {
						b.harmTable(table, harm)
					}
					asked := b.counted()
					b.now = b.now.Add(3 * time.Hour)
					var stderr string
					for _, command := range []string{"sync", "backfill", "connect P002 --manual", "status", "sync"} {
						var code int
						if code, _, stderr = b.run(strings.Fields(command)...); code != exitDamage || asked.Load() != 0 {
							t.Errorf("%s: exit %d after %d requests, want %d and none\n%s", command, code, asked.Load(), exitDamage, stderr)
						}
					}
					if backup {
						newest()
						b.run("sync") // tells once what was lost, and writes it anew
					}
					for range 4 {
						if backup {
							break
						}
						words := next(t, stderr)
						_, _, said := b.run(append(words, "--yes")...)
						var code int
						if code, _, stderr = b.run("sync"); code == exitDone {
							break
						}
						t.Logf("%v\n%s\nsync: %s", words, said, stderr)
					}
					code, _, stderr := b.run("sync")
					if code != exitDone || !strings.Contains(stderr, "withdrawn, so left out: P001") {
						t.Errorf("sync in the end: exit %d\n%s", code, stderr)
					}
				})
			}
		}
	}
}

// A state that is the newest goes on beside a lake that has lost its memory.
func TestNewestStateAndLostMemory(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2})
	b.must("backfill")
	b.must("withdraw", "P001", "--effective", "2026-04-12", "--reason", "moved", "--yes")
	for _, table := range []string{"audit", "withdrawals", "connections"} {
		b.harmTable(table, "gone")
	}
	b.must("participants", "pause", "P002") // a line more than the lake had
	if code, _, stderr := b.run("sync"); code != exitDone && code != exitDamage || !strings.Contains(stderr, "withdrawn, so left out: P001") {
		t.Errorf("sync: exit %d\n%s", code, stderr)
	}
	b.must("sync")
}
