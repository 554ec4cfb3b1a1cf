package main

import (
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/study"
)

// Under a service manager: ready at once, a first sync, figures that name
// nobody, and a stop that is no failure. What it loaded is there, and a
// restart does not call again before the schedule says so.
func TestServeSyncsUntilStopped(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 3, End: time.Now()})
	first := b.serve()
	first.awaitStatus("READY=1")
	first.awaitStatus("STATUS=running since")
	first.awaitStatus("STATUS=last run ended with exit code 0, next run at")
	metrics, health := first.get("/metrics"), first.get("/healthz")
	for _, want := range []string{`dexetl_runs_total{exit_code="0"} 1`, `dexetl_participants{consent="connected"} 3`, `dexetl_participants_silent{over="72h"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, metrics)
		}
	}
	if ready := first.get("/readyz"); ready != "ready\n" {
		t.Errorf("/readyz %q, want ready", ready)
	}
	for _, row := range b.query("select participant_id from participants") {
		if strings.Contains(metrics+health, row[0]) {
			t.Errorf("participant %s is named", row[0])
		}
	}
	first.stop()
	first.awaitStatus("STOPPING=1")
	calls := b.api.Stats().Calls
	second := b.serve()
	second.awaitStatus("STATUS=next run at")
	second.command.Process.Signal(syscall.SIGHUP) // without a certificate there is nothing to do
	second.get("/healthz")
	second.stop()
	if again := b.api.Stats().Calls; again != calls {
		t.Errorf("a restart made %d calls", again-calls)
	}
	b.compareWithTruth()
}

// What it serves names nobody, also when the run's own error does.
func TestServeNamesNobody(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1}, demoNow)
	b.must("participants", "add", "P001", "--start", "2026-04-01")
	p, s := b.inProcess()
	outcome := p.scheduledSync(t.Context(), s, slog.New(slog.DiscardHandler))
	if outcome.Code != exitConsent || outcome.Message != "only consent is missing" {
		t.Errorf("sync of somebody who is not connected: %d %q, want %d and no name", outcome.Code, outcome.Message, exitConsent)
	}
}

// Where people are added over the API, it is ready while nobody was.
func TestServeAwaitsPeople(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1}, demoNow)
	p, s := b.inProcess()
	sync := func() int { return p.scheduledSync(t.Context(), s, slog.New(slog.DiscardHandler)).Code }
	if code := sync(); code != exitUsage {
		t.Errorf("without a key: %d, want %d", code, exitUsage)
	}
	_, _, err := p.keys(s).Add(t.Context(), "app", access.Rights{Scope: access.Manage})
	check(t, err)
	if code := sync(); code != exitDone {
		t.Errorf("with a key: %d, want %d", code, exitDone)
	}
}

// What happens during runs is in the log of serve, which names nobody, and once as long as
// it is so.
func TestServeLogsFacts(t *testing.T) {
	var log strings.Builder
	v := &service{log: slog.New(slog.NewTextHandler(&log, nil))}
	zoneless := study.Fact{Kind: study.DatesInUTC, Participants: []string{"P001", "P002"}}
	for range 3 {
		v.logFact(zoneless)
	}
	v.logFact(study.Fact{Kind: study.DatesInUTC, Participants: []string{"P001"}})
	for range 2 {
		v.logFact(study.Fact{Kind: study.WaitsForState})
	}
	for text, want := range map[string]int{"taken as UTC: 2 participants": 1, "taken as UTC: 1 participant": 1, "another process holds the state": 2, "level=INFO": 4, "P00": 0} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q stands there %d times, want %d:\n%s", text, got, want, &log)
		}
	}
}

// A run knows what the log holds, also of what another process fetched in between:
// after the first each asks everybody once.
func TestServeGoesOn(t *testing.T) {
	atOnce(t)
	t.Parallel()
	const people = 3
	b := newBench(t, dexsim.Config{Seed: 5, Participants: people, Days: 3})
	p, s := b.inProcess()
	served := func() int {
		outcome := p.scheduledSync(t.Context(), s, slog.New(slog.DiscardHandler))
		if outcome.Code != exitDone {
			t.Fatalf("exit code %d, %s", outcome.Code, outcome.Message)
		}
		b.now = b.now.Add(time.Hour)
		return outcome.Calls
	}
	served()
	b.must("sync", "--deep")
	b.now = b.now.Add(time.Hour)
	if calls := served(); calls != people {
		t.Errorf("%d calls, want one for each of %d participants", calls, people)
	}
}

// Who is connected and never had a reading is silent, too, once they could have
// had one.
func TestServeCountsWhoNeverHadAReading(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	_, s := b.inProcess()
	for _, want := range []map[string]int{{"6h": 0, "24h": 0, "72h": 0}, {"6h": 2, "24h": 2, "72h": 0}} {
		count, err := s.Census(t.Context(), silences())
		check(t, err)
		if !maps.Equal(count.Silent, want) || !count.NewestReading.IsZero() {
			t.Errorf("silent participants at %s: %v, want %v; newest reading %s, want none", b.now, count.Silent, want, count.NewestReading)
		}
		b.now = b.now.Add(25 * time.Hour)
	}
}

// inProcess opens the study as a command does.
func (b *bench) inProcess() (*program, *study.Study) {
	b.t.Helper()
	p := &program{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
		getenv: func(name string) string { return b.env[name] }, now: func() time.Time { return b.now },
	}
	p.flags.study = b.dir
	s, err := p.openStudy(b.t.Context())
	check(b.t, err)
	b.t.Cleanup(func() { s.Close() })
	return p, s
}

// A served is a `dexetl serve` in a process of its own.
type served struct {
	b       *bench
	command *exec.Cmd
	log     *sharedBuffer
	manager *net.UnixConn
}

func (b *bench) serve() *served {
	b.t.Helper()
	socket := filepath.Join(b.t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { manager.Close() })
	command := exec.Command("dexetl", "--study", b.dir, "serve", "--schedule", "1h", "--listen", "127.0.0.1:0")
	command.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	log := &sharedBuffer{}
	command.Stderr = log
	if err := command.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { command.Process.Kill() })
	return &served{b: b, command: command, log: log, manager: manager}
}

// awaitStatus reads what the service manager is told up to a message with text.
func (s *served) awaitStatus(text string) {
	s.b.t.Helper()
	buffer := make([]byte, 4096)
	s.manager.SetReadDeadline(time.Now().Add(time.Minute))
	var told []string
	for len(told) == 0 || !strings.Contains(told[len(told)-1], text) {
		n, err := s.manager.Read(buffer)
		if err != nil {
			s.b.t.Fatalf("the service manager was not told %q but %q\n%s", text, told, s.log)
		}
		told = append(told, string(buffer[:n]))
	}
}

var listenPattern = regexp.MustCompile(`listen=(\S+)`)

func (s *served) get(path string) string {
	s.b.t.Helper()
	address := listenPattern.FindStringSubmatch(s.log.String())
	if address == nil {
		s.b.t.Fatalf("serve does not say where it listens:\n%s", s.log)
	}
	response, err := http.Get("http://" + address[1] + path)
	if err != nil {
		s.b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.b.t.Fatal(err)
	}
	return string(body)
}

// stop sends SIGTERM, as service managers do, and expects exit code 0.
func (s *served) stop() {
	s.b.t.Helper()
	s.command.Process.Signal(syscall.SIGTERM)
	if err := s.command.Wait(); err != nil {
		s.b.t.Errorf("serve after SIGTERM: %v\n%s", err, s.log)
	}
}

// A sharedBuffer is written to while it is read.
type sharedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// service is serve in this process, which listens nowhere.
func (b *bench) service() *service {
	b.t.Helper()
	p, s := b.inProcess()
	v, err := p.serving(b.t.Context(), s, serveOptions{every: "1h", listen: "none"})
	check(b.t, err)
	v.addr = "127.0.0.1:8085" // where links lead; nothing listens
	return v
}
