package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// database opens the state's file beside the program.
func (b *bench) database() *sql.DB {
	b.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "state", "state.db"))
	check(b.t, err)
	b.t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

// One person's tokens that cannot be opened stop nobody else. The run says whose they
// are and what to do, status goes on saying so, and signing in again mends it.
func TestDamagedTokensOfOnePerson(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 2})
	_, err := b.database().Exec("update tokens set current = zeroblob(200) where connection_id = (select connection_id from connections where participant_id = 'P002')")
	check(t, err)
	for _, command := range []string{"backfill", "sync"} {
		code, _, stderr := b.run(command)
		if code != exitPartial || !strings.Contains(stderr, "P002: dataRange: access token: the stored tokens are damaged and cannot be used\n") {
			t.Errorf("%s: exit %d, want %d and P002 named:\n%s", command, code, exitPartial, stderr)
		}
	}
	if got := b.query("select distinct participant_id from egvs order by 1"); len(got) != 2 || got[0][0] != "P001" || got[1][0] != "P003" {
		t.Errorf("readings of %v, want P001 and P003", got)
	}
	if rows := b.must("status"); !strings.Contains(rows, "call: they have to sign in again, what is stored of it is damaged; send a link: dexetl invite P002, or sign in together: dexetl connect P002") {
		t.Errorf("status does not say what to do:\n%s", rows)
	}
	if code, _, stderr := b.run("status", "--check"); code != exitPartial || !strings.Contains(stderr, "P002") {
		t.Errorf("status --check: exit %d, want %d:\n%s", code, exitPartial, stderr)
	}
	var tokens strings.Builder
	check(t, b.api.WriteTokens(&tokens))
	for line := range strings.Lines(tokens.String()) {
		if strings.HasPrefix(line, "P002,") {
			b.must("connect", "--import", b.file("again.csv", "participant_id,refresh_token\n"+line))
		}
	}
	b.must("backfill")
	if rows := b.must("status"); strings.Contains(rows, "damaged") {
		t.Errorf("status after signing in again:\n%s", rows)
	}
}

// A state that another process holds when a command begins has an exit code and
// advice of its own; nothing is asked.
func TestStateHeldByAnotherProcess(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1})
	db := b.database()
	_, err := db.Exec("begin immediate")
	check(t, err)
	began := time.Now()
	code, _, stderr := b.run("backfill")
	if code != exitLocked || !strings.Contains(stderr, "another process has held it for 1") || !strings.Contains(stderr, "advice: find who has the file open") {
		t.Errorf("exit %d after %v, want %d, for how long, and what to do:\n%s", code, time.Since(began), exitLocked, stderr)
	}
	b.must("audit") // which only reads
	_, err = db.Exec("rollback")
	check(t, err)
	b.must("backfill")
}
