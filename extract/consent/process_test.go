package consent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
)

// childEnv holds an errand. The test binary, run again with it, is a process
// of its own that does the errand in a study's folder.
const childEnv = "CONSENT_TEST_ERRAND"

// An errand is what a child has to do.
type errand struct {
	Job string // name in jobs
	Dir string // of the study's state
	URL string // of the API
	Now time.Time

	Connection   string   // get: whose token
	Participants []string // live: who lives on
	Connect      string   // live: who of them consents anew
	Workers      int      // live: how many at a time
}

// oneAfterTheOther marks a test in which one process follows the other and nothing goes on
// beside anything else: the race detector would see nothing, at several times the price.
// make test runs the test without it.
func oneAfterTheOther(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one process after the other: make test runs it without the race detector")
	}
}

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	err := json.Unmarshal([]byte(text), &e)
	if err == nil {
		err = jobs()[e.Job](context.Background(), e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func jobs() map[string]func(context.Context, errand) error {
	return map[string]func(context.Context, errand) error{"get": getToken, "live": live, "full": fillDisk}
}

// command is the child that does e.
func (e errand) command(env ...string) (*exec.Cmd, *bytes.Buffer) {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // it is plain
	}
	var stderr bytes.Buffer
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), childEnv+"="+string(text)), env...)
	c.Stderr = &stderr
	return c, &stderr
}

// grants opens the study as a process does. Its clock starts at e.Now.
func (e errand) grants(ctx context.Context) (*process, error) {
	store, err := state.Open(ctx, e.Dir)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	store.Now = func() time.Time { return e.Now.Add(time.Since(start)) }
	key, err := OpenKey(ctx, filepath.Join(e.Dir, "key.age"), registerOf(store))
	if err != nil {
		return nil, err
	}
	app := App{BaseURL: e.URL, OAuthPrefix: "v2", ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret, RedirectURI: redirectURI}
	return newProcess(registerOf(store), key, &Client{Region: "us", Apps: map[string]App{"us": app}}), nil
}

// getToken says that it is ready, waits for its standard input to end, and
// prints a hash of the connection's access token, or the error.
func getToken(ctx context.Context, e errand) error {
	g, err := e.grants(ctx)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	token, err := g.Token(ctx, e.Connection)
	if err != nil {
		fmt.Println(err)
		return nil
	}
	fmt.Println(g.Key.hash("test", token))
	return nil
}

// world is a study whose processes are real ones, and its API.
type world struct {
	*witness
	t   *testing.T
	dir string
	now time.Time
}

// newWorld connects the participants named, three hours ago.
func newWorld(t *testing.T, participants ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	sim, err := dexsim.New(dexsim.Config{Participants: len(participants), Days: 1, Strict: true, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	w.witness = newWitness(sim)
	g, closed := w.open()
	defer closed()
	file := "participant_id,refresh_token\n"
	for _, id := range participants {
		if err := g.Register.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id}); err != nil {
			t.Fatal(err)
		}
		file += id + "," + w.grant(id) + "\n"
	}
	imported, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range imported.ConnectionIDs {
		if _, err := g.Verify(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	w.now = w.now.Add(3 * time.Hour)
	return w
}

// open opens the study in this process, with an API that stops at closed.
func (w *world) open() (g *process, closed func()) {
	w.t.Helper()
	web := httptest.NewServer(w)
	g, err := errand{Dir: w.dir, URL: web.URL, Now: w.now}.grants(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return g, func() { g.Register.Store.Close(); web.Close() }
}

// connection is the one of a participant.
func (w *world) connection(participant string) string {
	w.t.Helper()
	g, closed := w.open()
	defer closed()
	all, err := g.Register.Connections(w.t.Context())
	i := slices.IndexFunc(all, func(c Connection) bool { return c.ParticipantID == participant })
	if i < 0 {
		w.t.Fatalf("no connection of %s among %v, %v", participant, all, err)
	}
	return all[i].ID
}

// A starter is a process that stands at the line.
type starter struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
}

// line starts n processes that will get the connection's token, and returns
// when all are ready.
func (w *world) line(n int, url, connection string) []starter {
	w.t.Helper()
	var all []starter
	for range n {
		c, stderr := errand{Job: "get", Dir: w.dir, URL: url, Now: w.now, Connection: connection}.command()
		stdin, err := c.StdinPipe()
		if err != nil {
			w.t.Fatal(err)
		}
		stdout, err := c.StdoutPipe()
		if err != nil {
			w.t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			w.t.Fatal(err)
		}
		ready := make([]byte, len("ready\n"))
		if _, err := io.ReadFull(stdout, ready); err != nil {
			w.t.Fatalf("child: %v\n%s", err, stderr)
		}
		all = append(all, starter{c, stdin, stdout})
	}
	return all
}

// finish returns what the processes printed.
func finish(t *testing.T, all []starter) (lines []string) {
	t.Helper()
	for _, s := range all {
		out, err := io.ReadAll(s.stdout)
		if err := s.command.Wait(); err != nil {
			t.Fatalf("child: %v\n%s", err, s.command.Stderr)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(string(out)))
	}
	return lines
}

// Ten processes need the token of one connection at once: one POST, and all
// have what it brought.
func TestOneRefreshAmongTenProcesses(t *testing.T) {
	w := newWorld(t, "P001")
	connection := w.connection("P001")
	before := len(w.since(0))
	web := httptest.NewServer(w)
	defer web.Close()
	all := w.line(10, web.URL, connection)
	for _, s := range all {
		s.stdin.Close()
	}
	lines := finish(t, all)
	w.holds(connection, lines)
	if posts := w.since(before); len(posts) != 1 {
		t.Errorf("%d POSTs of ten processes, want 1", len(posts))
	}
}

// holds checks that everybody got the access token that the store has.
func (w *world) holds(connection string, lines []string) {
	w.t.Helper()
	g, closed := w.open()
	defer closed()
	want := g.Key.hash("test", pairOf(w.t, g, connection).Access)
	for i, got := range lines {
		if got != want {
			w.t.Errorf("process %d got %s, not the token that is stored", i, got)
		}
	}
}

// The process that holds the lease dies with the token on its way, and ten
// others wait for it. Nobody knows whether the token was spent, so one of them
// tries it again, once, and the others take what came of that.
func TestLeaseOfAKilledProcess(t *testing.T) {
	for _, tt := range []struct {
		when     moment
		statuses []int // of the two POSTs
	}{
		{beforeServer, []int{0, 200}},
		{noAnswer, []int{200, 400}},
	} {
		t.Run(string(tt.when), func(t *testing.T) {
			w := newWorld(t, "P001")
			connection := w.connection("P001")
			before := len(w.since(0))
			web := httptest.NewServer(w)
			defer web.Close()
			holder, others := w.line(1, web.URL, connection)[0], w.line(10, web.URL, connection)
			w.set(strike{"token", 1, tt.when, func() {
				for _, s := range others {
					s.stdin.Close() // from now on they want the lease
				}
				holder.command.Process.Kill()
				holder.command.Wait()
			}})
			holder.stdin.Close()
			lines := finish(t, others)

			posts := w.since(before)
			if len(posts) != 2 || posts[0].presented != posts[1].presented || posts[0].status != tt.statuses[0] || posts[1].status != tt.statuses[1] {
				t.Fatalf("%d POSTs, the last answered %d; want two of one token, answered %v", len(posts), posts[len(posts)-1].status, tt.statuses)
			}
			if tt.when == beforeServer {
				w.holds(connection, lines)
				return
			}
			for _, line := range lines {
				if want := (&AuthSuspectError{ParticipantID: "P001", RetryAt: w.now}).Error()[:40]; !strings.HasPrefix(line, want) {
					t.Errorf("a process got %q, want that the consent was refused", line)
				}
			}
		})
	}
}
