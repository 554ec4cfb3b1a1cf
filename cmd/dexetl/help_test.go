package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
)

// A bench is a study folder and the simulated API it talks to. Their clock
// stands still until a test moves it.
type bench struct {
	t   testing.TB
	api *dexsim.Server
	url string
	dir string
	now time.Time
	env map[string]string

	skew time.Duration          // how far the study's clock is ahead of the API's
	ear  *eavesdropper          // who hears what the API is asked; nil: nobody
	only map[string]plan.Window // of whose rows only a part is compared; none of whom it is empty

	clock atomic.Pointer[time.Time] // the API's: now, as of the last command
}

// newBench simulates the cohort of config and connects everybody, at the end
// of its data.
func newBench(t testing.TB, config dexsim.Config) *bench {
	t.Helper()
	if config.End.IsZero() {
		config.End = demoNow
	}
	return newBenchAt(t, config, config.End)
}

// newBenchAt is newBench at another time, such as before the data end.
func newBenchAt(t testing.TB, config dexsim.Config, now time.Time) *bench {
	t.Helper()
	b := openBench(t, config, now)
	var roster, tokens bytes.Buffer
	if err := b.api.WriteRoster(&roster); err != nil {
		t.Fatal(err)
	}
	if err := b.api.WriteTokens(&tokens); err != nil {
		t.Fatal(err)
	}
	b.must("participants", "import", b.file("roster.csv", roster.String()))
	// In bad weather some accounts cannot be looked at yet: the grants are kept.
	code, _, stderr := b.run("connect", "--import", b.file("tokens.csv", tokens.String()))
	if code != exitDone && (code != exitPartial || config.Chaos.Kinds == 0) {
		t.Fatalf("dexetl connect --import: exit %d\n%s", code, stderr)
	}
	return b
}

// openBench is newBenchAt without anybody in the study.
func openBench(t testing.TB, config dexsim.Config, now time.Time) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "study"), now: now, env: make(map[string]string)}
	b.clock.Store(&now)
	config.Now = func() time.Time { return *b.clock.Load() }
	config.ClientID, config.ClientSecret = dexsim.DefaultClientID, dexsim.DefaultClientSecret
	api, err := dexsim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	b.api = api
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	b.url = server.URL
	b.must("init", b.dir, "--base-url", server.URL)
	return b
}

// file writes a file beside the study and returns its path.
func (b *bench) file(name, text string) string {
	b.t.Helper()
	path := filepath.Join(filepath.Dir(b.dir), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// run runs dexetl with args and returns its exit code and output.
func (b *bench) run(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	var out, errs bytes.Buffer
	code = b.start(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// start runs dexetl with args on the streams given.
func (b *bench) start(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	now := b.now
	b.clock.Store(&now)
	if _, ok := stderr.(*os.File); !ok {
		stderr = &sharedWriter{to: stderr}
	}
	p := &program{
		stdin: stdin, stdout: stdout, stderr: stderr,
		getenv: b.getenv, now: func() time.Time { return b.now.Add(b.skew) },
	}
	return runChecked(b.t, p, append([]string{"dexetl"}, args...))
}

// getenv is the environment of a person who has named the study once for all.
func (b *bench) getenv(name string) string {
	if value, ok := b.env[name]; ok || name != "DEXETL_STUDY" {
		return value
	}
	return b.dir
}

// A sharedWriter may be written to by many goroutines, as an *os.File may.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *sharedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// must runs dexetl and expects exit code 0; it returns standard output.
func (b *bench) must(args ...string) string {
	b.t.Helper()
	code, stdout, stderr := b.run(args...)
	if code != exitDone {
		b.t.Fatalf("dexetl %s: exit %d, want 0\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// query returns the rows of a statement as text, without the header.
func (b *bench) query(statement string) [][]string {
	b.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(b.must("query", statement, "--csv"))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	return rows[1:]
}

// table returns the rows of a statement by column name.
func (b *bench) table(statement string) []map[string]string {
	b.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(b.must("query", statement, "--csv"))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		named := make(map[string]string)
		for i, v := range row {
			named[rows[0][i]] = v
		}
		out = append(out, named)
	}
	return out
}
