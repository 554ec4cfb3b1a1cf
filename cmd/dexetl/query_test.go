package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// queryBench is a study with a small lake.
func queryBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 2})
	b.must("backfill")
	return b
}

// never is a statement that writes rows at once, and then computes without end.
const never = `select repeat('x', 100) from range(1000000000000) t(i) where i < 100000 or i * i % 1000003 = -1`

// spills are what sessions have left in the study.
func (b *bench) spills() []string {
	b.t.Helper()
	left, err := filepath.Glob(filepath.Join(b.dir, "lake", ".spill", "*"))
	check(b.t, err)
	return left
}

// A result is written while it is computed: it may be larger than the memory.
func TestQueryStreams(t *testing.T) {
	oneAfterTheOther(t) // and the detector's memory counts as the query's
	t.Parallel()
	b := queryBench(t)
	const rows, statement = 250_000, "select i, repeat(md5(i::varchar), 64) as text from range(250000) t(i)" // 500 MB
	for _, format := range []string{"--csv", "--json"} {
		out := &counter{}
		var errs bytes.Buffer
		code := b.start([]string{"query", statement, "--max-memory", "350MB", "--timeout", "10m", format}, strings.NewReader(""), out, &errs)
		if code != exitDone || out.bytes < rows*2048 {
			t.Errorf("query %s: exit %d, %d bytes; want 0 and all rows\n%s", format, code, out.bytes, errs.String())
		}
	}
}

// A counter counts what is written, and keeps none of it.
type counter struct{ bytes int }

func (c *counter) Write(b []byte) (int, error) { c.bytes += len(b); return len(b), nil }

// A result that fails at some row is not one that ends there.
func TestQueryFailsInTheMiddle(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := queryBench(t)
	for _, format := range []string{"--csv", "--json"} {
		code, stdout, stderr := b.run("query", "select i, if(i = 900000, error('odd row'), 'x') from range(1000000) t(i)", format)
		if code != exitUsage || !strings.Contains(stdout, "800000") || !strings.Contains(stderr, "odd row") || json.Valid([]byte(stdout)) {
			t.Errorf("query %s that fails at row 900000: exit %d, %d bytes, valid JSON %v; want %d, the rows before, and why\n%s",
				format, code, len(stdout), json.Valid([]byte(stdout)), exitUsage, stderr)
		}
	}
}

// Streamed JSON is that of writeJSON; tables whose later rows are wider have all of
// them.
func TestRowsOfManyKinds(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := queryBench(t)
	const statement = `select 1 as a, 'x' as b, null as c, 1.50::decimal(5, 2) as d, {'k': 'nan'::double, 'at': date '2026-01-02'} as s, [1, null] as l,
		map {'m': 2} as m, 'a\x00b'::blob as bl, '0b6c1a3e-0000-4000-8000-000000000001'::uuid as u from range(2)`
	var got struct {
		Schema string
		Rows   []map[string]any
	}
	check(t, json.Unmarshal([]byte(b.must("query", statement, "--json")), &got))
	if got.Schema != "dexetl.query/1" || len(got.Rows) != 2 || fmt.Sprintf("%v %v %v %v", got.Rows[1]["s"], got.Rows[1]["l"], got.Rows[1]["m"], got.Rows[1]["u"]) !=
		"map[at:2026-01-02T00:00:00Z k:NaN] [1 <nil>] map[m:2] 0b6c1a3e-0000-4000-8000-000000000001" {
		t.Errorf("rows as JSON = %v", got)
	}
	if text := b.must("query", statement+" limit 0", "--json"); text != "{\n  \"rows\": [],\n  \"schema\": \"dexetl.query/1\"\n}\n" {
		t.Errorf("no rows as JSON = %q", text)
	}
	if code, _, stderr := b.run("query", "select 1 as a, 2 as a", "--json"); code != exitUsage || !strings.Contains(stderr, "two columns are called") {
		t.Errorf("two columns of one name as JSON: exit %d, want %d and the name\n%s", code, exitUsage, stderr)
	}
	table := b.must("query", "select if(i < 1500, 'x', repeat('y', 30)) as text, i from range(1502) t(i)")
	if lines := strings.Split(table, "\n"); len(lines) != 1504 || lines[1] != "x       0" || lines[1502] != strings.Repeat("y", 30)+"  1501" {
		t.Errorf("a table of 1502 rows has %d lines, the second %q, the last %q", len(lines)-2, lines[1], lines[len(lines)-2])
	}
}

// Time and memory have limits, with advice, whatever DuckDB is busy with.
func TestQueryLimits(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := queryBench(t)
	planning := strings.TrimSuffix(strings.Repeat("select 1 union all ", 20000), " union all ")
	for _, test := range []struct {
		name, statement string
		flags           []string
		code            int
		advice          string
	}{
		{"no end", never, []string{"--timeout", "1s"}, exitStopped, "--timeout 10m"},
		{"planning", planning, []string{"--timeout", "1s"}, exitStopped, "--timeout 10m"},
		{"a cross join", "select count(*) from range(10000000) a, range(10000000) b where (a.range * b.range) % 7 = 1", []string{"--timeout", "500ms"}, exitStopped, "--timeout 10m"},
		{"a long list", "select list(i) from range(2000000000) t(i)", []string{"--max-memory", "300MB"}, exitUnexpected, "--max-memory 8GB"},
		{"a long text", "select repeat('x', 1000000000)", []string{"--max-memory", "500MB"}, exitUnexpected, "--max-memory 8GB"},
	} {
		code, _, stderr := b.start2("query", test.statement, test.flags)
		if code != test.code || !strings.Contains(stderr, test.advice) || !strings.Contains(stderr, "not all") {
			t.Errorf("%s %v: exit %d, want %d and %q\n%.500s", test.name, test.flags, code, test.code, test.advice, stderr)
		}
	}
	for _, memory := range []string{"lots", "1MB", "-1GB", "99999999TB", ""} {
		if code, _, stderr := b.run("query", "select 1", "--max-memory", memory); code != exitUsage || !strings.Contains(stderr, "--max-memory") {
			t.Errorf("--max-memory %q: exit %d, want %d\n%s", memory, code, exitUsage, stderr)
		}
	}
	if left := b.spills(); len(left) != 0 {
		t.Errorf("left in the study: %v", left)
	}
}

// start2 runs a statement that is too long for a command line.
func (b *bench) start2(command, statement string, flags []string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = b.start(append([]string{command}, flags...), strings.NewReader(statement), &out, &errs)
	return code, out.String(), errs.String()
}

// startQuery starts a process with the statement never, and returns when its first
// rows came: then it computes.
func startQuery(t *testing.T, b *bench) (*exec.Cmd, io.Reader) {
	t.Helper()
	command := exec.Command("dexetl", "--study", b.dir, "query", never, "--csv", "--timeout", "10m")
	command.Env = os.Environ()
	out, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	_, err = io.ReadFull(out, make([]byte, 1000))
	check(t, err)
	return command, out
}

// A signal ends a query at once; and when its process is killed nobody goes on
// computing, and nothing stays on disk.
func TestQueryEndsWithItsProcess(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := queryBench(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		command, out := startQuery(t, b)
		if made := b.spills(); len(made) != 1 {
			t.Errorf("folders of a query at work: %v, want one", made)
		}
		began := time.Now()
		check(t, command.Process.Signal(signal))
		_, err := io.Copy(io.Discard, out) // until nobody has the pipe
		check(t, err)
		command.Wait()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%v: it took %s to end", signal, took)
		}
		if code := command.ProcessState.ExitCode(); signal != syscall.SIGKILL && code != exitInterrupted {
			t.Errorf("%v: exit %d, want %d", signal, code, exitInterrupted)
		}
		if left := b.spills(); len(left) != 0 {
			t.Errorf("%v: left in the study: %v", signal, left)
		}
	}
}

// What is deep or long is refused or answered, in plain words.
func TestQueryOfDeepAndLong(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := queryBench(t)
	repeat := strings.Repeat
	for name, statement := range map[string]string{
		"parentheses":    "select " + repeat("(", 10000) + "1" + repeat(")", 10000),
		"lists":          "select " + repeat("[", 20000) + "1" + repeat("]", 20000),
		"subqueries":     repeat("select * from (", 5000) + "select 1" + repeat(")", 5000),
		"terms":          "select 1" + repeat(" + 1", 100000),
		"minus":          "select " + repeat("- ", 100000) + "1",
		"unions":         "select 1" + repeat(" union all select 1", 3000),
		"joins":          "from range(1)" + repeat(", range(1)", 2000),
		"columns":        "select 1" + repeat(", 1", 30000),
		"megabyte":       "select '" + repeat("x", 1<<20-20) + "'",
		"two megabytes":  "select '" + repeat("x", 2<<20) + "'",
		"comment":        "/*" + repeat("/*", 100000) + " select 1",
		"with":           "with " + repeat("a as (select 1), ", 10000) + "b as (select 2) from b",
		"conditions":     "select 1 where " + repeat("true and ", 50000) + "true",
		"cases":          "select " + repeat("case when true then ", 5000) + "1" + repeat(" end", 5000),
		"casts":          "select 1" + repeat("::int", 50000),
		"in":             "select 1 in (" + repeat("1, ", 200000) + "1)",
		"no line of SQL": repeat("\n", 1<<19),
	} {
		code, _, stderr := b.start2("query", statement, []string{"--csv", "--timeout", "1s"})
		if code != exitDone && code != exitUsage && code != exitStopped && code != exitUnexpected ||
			strings.Contains(stderr, "goroutine") || strings.Contains(stderr, "SIG") || code != exitDone && !strings.HasPrefix(stderr, "dexetl: ") {
			t.Errorf("%s: exit %d\n%.500s", name, code, stderr)
		}
		t.Logf("%s: exit %d, %.120s", name, code, stderr)
	}
}
