package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A wrong clock is told before it dates a log, from two minutes on; from a day
// on it is a failure, for nothing would be fetched. No token and no call is spent.
func TestDoctorComparesClocks(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1})
	server, before := b.now, b.api.Stats()
	for _, test := range []struct {
		off  time.Duration
		code int
		line string
	}{
		{90 * time.Second, exitDone, "ok    clock"},
		{-3 * time.Minute, exitDone, "warn  clock"},
		{25 * time.Hour, exitCheck, "fail  clock"},
	} {
		code, stdout, stderr := b.runAt(server.Add(test.off), "doctor")
		if code != test.code || !strings.Contains(stdout, test.line) {
			t.Errorf("clock off by %s: exit %d, want %d and %q in\n%s%s", test.off, code, test.code, test.line, stdout, stderr)
		}
	}
	after := b.api.Stats()
	if after.Refreshes != before.Refreshes || after.Reused != before.Reused || after.Calls != before.Calls {
		t.Errorf("the doctor spent something: %+v before, %+v after", before, after)
	}
}

// runAt is run with another clock than the simulator's.
func (b *bench) runAt(now time.Time, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	var out, errs strings.Builder
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &sharedWriter{to: &errs},
		getenv: func(name string) string { return b.env[name] }, now: func() time.Time { return now },
	}
	code = runChecked(b.t, p, append([]string{"dexetl", "--study", b.dir}, args...))
	return code, out.String(), errs.String()
}
