package main

import (
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// exchanges are ways to make P001's and P002's rows each other's.
func exchanges() map[string][]string {
	const who = "(select connection_id from connections where participant_id = '%s')"
	one, two := strings.ReplaceAll(who, "%s", "P001"), strings.ReplaceAll(who, "%s", "P002")
	between := func(table, column string) []string {
		return []string{
			"create temp table was as select connection_id, " + column + " as v from " + table,
			"update " + table + " set " + column + " = (select v from was where connection_id = " + two + ") where connection_id = " + one,
			"update " + table + " set " + column + " = (select v from was where connection_id = " + one + ") where connection_id = " + two,
		}
	}
	return map[string][]string{
		"pairs":        between("tokens", "current"),
		"participants": {"update connections set participant_id = case participant_id when 'P001' then 'P002' else 'P001' end where participant_id in ('P001', 'P002')"},
		"tokens": {"pragma foreign_keys = off", "create temp table was as select connection_id, participant_id from connections",
			"update tokens set connection_id = 'x' where connection_id = " + one,
			"update tokens set connection_id = " + one + " where connection_id = " + two,
			"update tokens set connection_id = " + two + " where connection_id = 'x'"},
		"accounts": {"create temp table was as select connection_id, account_hash as v from connections",
			"update connections set account_hash = '' where participant_id in ('P001', 'P002')",
			"update connections set account_hash = (select v from was where connection_id = " + two + ") where participant_id = 'P001'",
			"update connections set account_hash = (select v from was where connection_id = " + one + ") where participant_id = 'P002'"},
	}
}

// Two people exchanged in state.db: nothing of the one comes to the other, each is
// named by every command that would show or use it, and the others go on.
func TestExchangedInTheState(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for name, edits := range exchanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 2})
			db := b.database()
			for _, q := range edits {
				_, err := db.Exec(q)
				check(t, err)
			}
			for _, command := range []string{"status", "doctor", "backfill", "sync", "status --check"} {
				code, stdout, stderr := b.run(strings.Fields(command)...)
				said := stdout + stderr
				if code != exitDamage || !strings.Contains(said, "P001") || !strings.Contains(said, "P002") || !strings.Contains(said, "state.db was edited") {
					t.Errorf("%s: exit %d, want %d, and P001 and P002 named:\n%s", command, code, exitDamage, said)
				}
			}
			for _, table := range []string{"requests where resource = 'egvs'", "egvs"} {
				if got := b.lines("select distinct participant_id from " + table); len(got) != 1 || got[0] != "P003" {
					t.Errorf("%s are of %v, want P003 alone", table, got)
				}
			}
		})
	}
}

// Edited links lead nobody in; to revoke them mends it.
func TestEditedLinks(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.env["DEXETL_CONNECT_PUBLIC_URL"] = "https://consent.example.org"
	b.env["DEXETL_API_REDIRECT_URI"] = "https://consent.example.org/callback"
	b.must("invite", "P001", "P002", "--yes")
	_, err := b.database().Exec("update invitations set participant_id = case participant_id when 'P001' then 'P002' else 'P001' end")
	check(t, err)
	if code, stdout, stderr := b.run("doctor"); code != exitDamage || !strings.Contains(stdout, "the stored link cannot be shown to be theirs") {
		t.Errorf("doctor: exit %d, want %d\n%s%s", code, exitDamage, stdout, stderr)
	}
	if code, _, stderr := b.run("status"); code != exitDamage || !strings.Contains(stderr, "dexetl invite P001 --revoke") {
		t.Errorf("status: exit %d, want %d\n%s", code, exitDamage, stderr)
	}
	b.must("invite", "P001", "P002", "--revoke")
	b.must("status")
	b.must("backfill")
}
