package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
)

// A ran is what the tests want to know of dexetl.run/2 and dexetl.plan/1.
type ran struct {
	Outcome     string
	Counts      struct{ Calls, Records int }
	Token_Calls int
	Totals      struct{ Calls int }
	Rows        []struct{ Participant_ID string }
}

// requests counts everything that was asked of the API, tokens included.
func (b *bench) requests() (n int) {
	for _, byStatus := range b.api.Stats().Requests {
		for _, times := range byStatus {
			n += times
		}
	}
	return n
}

// json runs dexetl with --json and returns its exit code and what it said.
func (b *bench) json(args ...string) (code int, out ran) {
	b.t.Helper()
	code, stdout, stderr := b.run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		b.t.Fatalf("dexetl %s --json: exit %d, %v\n%s%s", strings.Join(args, " "), code, err, stdout, stderr)
	}
	return code, out
}

// asPlanned plans, runs and compares the plan, the run's own count and what the
// API saw.
func (b *bench) asPlanned(args ...string) {
	b.t.Helper()
	before := b.api.Stats().Calls
	_, plan := b.json(append([]string{"plan"}, args...)...)
	if spent := b.api.Stats().Calls - before; spent > 0 {
		b.t.Errorf("dexetl plan %s made %d calls", strings.Join(args, " "), spent)
	}
	code, run := b.json(args...)
	if seen := b.api.Stats().Calls - before; code != exitDone || run.Counts.Calls != plan.Totals.Calls || seen != plan.Totals.Calls {
		b.t.Errorf("dexetl %s: exit %d, planned %d calls, made %d, the API saw %d", strings.Join(args, " "), code, plan.Totals.Calls, run.Counts.Calls, seen)
	}
}

// planned returns of whom a command with these flags would ask anything.
func (b *bench) planned(args ...string) (ids []string) {
	b.t.Helper()
	_, plan := b.json(append([]string{"plan"}, args...)...)
	for _, row := range plan.Rows {
		ids = append(ids, row.Participant_ID)
	}
	return slices.Compact(ids)
}

// Plans come true; runs end when they have used up what they were given, with
// what was answered in the lake, and go on; and those are selected who need it.
func TestPlanAndBounds(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 4})
	code, _, stderr := b.run("backfill", "--max-duration", "1ns")
	if code != exitStopped || !strings.Contains(stderr, "next: dexetl backfill --max-duration 1ns\n") || !strings.Contains(stderr, " 0 calls") {
		t.Errorf("backfill --max-duration 1ns: exit %d, want %d, no call and what to do\n%s", code, exitStopped, stderr)
	}
	if ids := b.planned("sync", "--stale", "24h"); len(ids) != 3 {
		t.Errorf("stale before anything was fetched: %v, want all", ids)
	}
	b.now = b.now.Add(3 * time.Hour) // the access tokens have ended
	before := b.requests()
	code, run := b.json("backfill", "--max-calls", "9")
	if spent := b.requests() - before; code != exitStopped || run.Outcome != "stopped" || run.Counts.Calls+run.Token_Calls != 9 || run.Token_Calls == 0 || spent != 9 {
		t.Errorf("backfill --max-calls 9: exit %d, %s after %d calls and %d for tokens, the API saw %d; want exit %d after 9 in all",
			code, run.Outcome, run.Counts.Calls, run.Token_Calls, spent, exitStopped)
	}
	applied := b.query("select count(*) from requests where outcome = 'applied' and run_id = (select max(run_id) from requests)")[0][0]
	if applied != fmt.Sprint(run.Counts.Calls) {
		t.Errorf("backfill --max-calls 9 left %s answers in the lake, want %d", applied, run.Counts.Calls)
	}
	b.asPlanned("backfill")
	b.asPlanned("sync", "--deep")
	repeats := b.api.Stats().Repeats
	b.asPlanned("refresh", "P001", "--from", "2026-04-12", "--to", "2026-04-13")
	if repeats == 0 {
		t.Error("sync --deep read nothing again")
	}

	b.api.Revoke("P002")
	b.now = b.now.Add(25 * time.Hour)
	if ids := b.planned("sync", "--failed"); ids != nil {
		t.Errorf("failed after all went well: %v, want nobody", ids)
	}
	if code, _, stderr := b.run("sync", "P001", "P002"); code != exitConsent || strings.Contains(stderr, "WARN") {
		t.Errorf("sync with a grant revoked: exit %d, want %d, and it said once\n%s", code, exitConsent, stderr)
	}
	if ids := b.planned("sync", "--failed"); !slices.Equal(ids, []string{"P002"}) {
		t.Errorf("failed after P002's grant was revoked: %v, want P002", ids)
	}
	if ids := b.planned("sync", "--stale", "24h"); !slices.Equal(ids, []string{"P002", "P003"}) {
		t.Errorf("stale after P001 was synced: %v, want P002 and P003", ids)
	}
	if ids := b.planned("sync", "--stale", "24h", "P001"); ids != nil {
		t.Errorf("stale of P001 alone: %v, want nobody", ids)
	}
	_, of := b.inProcess()
	everybody, err := of.Cohort.Participants(t.Context())
	check(t, err)
	people, err := of.People(t.Context(), everybody)
	check(t, err)
	for _, one := range people {
		tried := one.Outcome.EndedAt
		if now := tried.Equal(b.now); now != (one.Who.ID != "P003") || tried.IsZero() {
			t.Errorf("%s was last tried at %s; want P001, and P002 in vain, at %s, P003 before", one.Who.ID, tried, b.now)
		}
	}
}

// A few calls for many people bring records of one, not the beginnings of all.
func TestTinyQuotaBringsRecords(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 8, Days: 2})
	b.now = b.now.Add(3 * time.Hour) // the access tokens have ended
	code, run := b.json("backfill", "--max-calls", "3")
	if code != exitStopped || run.Token_Calls != 1 || run.Counts.Calls != 2 || run.Counts.Records == 0 {
		t.Errorf("backfill --max-calls 3 of 8 people: exit %d, %d calls for tokens, %d for %d records; want 1, 2 and some",
			code, run.Token_Calls, run.Counts.Calls, run.Counts.Records)
	}
}

// While another process loads, this one fetches; then it waits, or says who is in
// the way, and nothing is lost.
func TestAnotherProcessLoads(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 4})
	l, err := lake.Open(b.dir + "/lake")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	guard, err := l.Lock(t.Context(), 0, lake.Holder{PID: 4711, Command: "dexetl sync"})
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := b.run("backfill", "--lock-wait", "1ms")
	if code != exitLocked || !strings.Contains(stderr, "process 4711 (dexetl sync)") || !strings.Contains(stderr, "next: ") {
		t.Errorf("backfill while another loads: exit %d, want %d and who it is\n%s", code, exitLocked, stderr)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { ended <- b.start([]string{"backfill"}, strings.NewReader(""), write, write); write.Close() }()
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if strings.Contains(lines.Text(), "waiting up to 10 minutes") {
			if err := guard.Unlock(); err != nil {
				t.Error(err)
			}
		}
	}
	if code := <-ended; code != exitDone {
		t.Errorf("backfill that waited: exit %d, want 0", code)
	}
	if s := b.api.Stats(); s.Repeats > 0 {
		t.Errorf("%d windows were asked for again", s.Repeats)
	}
}

// Three processes fetch at once. Together they make as many calls as an hour allows
// backfills at once, and the first of the others, and then wait; asked to end they do,
// and another day the rest is fetched, nothing twice.
func TestThreeProcessesShareTheBudget(t *testing.T) {
	atOnce(t)
	t.Parallel()
	const perHour, atOnce = 20, 8                                                       // of which 6 were made to see whose the accounts are
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 4, End: time.Now()}) // all three have readings
	var commands []*exec.Cmd
	var said []*bufio.Scanner
	for i := range 3 {
		command := exec.Command("dexetl", "--study", b.dir, "backfill", "--shard", fmt.Sprintf("%d/3", i+1), "--lock-wait", "0s")
		command.Env = append(os.Environ(), fmt.Sprintf("DEXETL_LIMITS_CALLS_PER_HOUR=%d", perHour))
		pipe, err := command.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		commands, said = append(commands, command), append(said, bufio.NewScanner(pipe))
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, lines := range said { // each has more to ask than is left
		for lines.Scan() && !strings.Contains(lines.Text(), "the calls that the hour allows at once are used up") {
		}
		if !strings.Contains(lines.Text(), "used up") {
			t.Errorf("process %d ended without waiting for the budget", i+1)
		}
	}
	if calls := b.api.Stats().Calls; calls != atOnce+1 {
		t.Errorf("three processes wait after %d calls, want %d", calls, atOnce+1)
	}
	for i, command := range commands {
		command.Process.Signal(syscall.SIGTERM)
		command.Wait()
		if code := command.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("process %d ended by SIGTERM: exit %d, want %d", i+1, code, exitInterrupted)
		}
	}
	b.now = b.now.Add(2 * time.Hour)
	b.must("backfill")
	if s := b.api.Stats(); s.Repeats > 0 || s.OverlapsOpen > 0 {
		t.Errorf("%d windows were asked for again, %d twice at once", s.Repeats, s.OverlapsOpen)
	}
}
