package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A canaryCage is a study among whose secrets every one is known, and all that
// its commands have said.
type canaryCage struct {
	*bench
	spy     *spy
	home    string // everything that the commands may write lies below
	ran     map[string]bool
	outputs []string
}

const canarySecret = "canary-client-secret-5d1f0a77"

func newCanaryCage(t *testing.T) *canaryCage {
	t.Helper()
	home := t.TempDir()
	for name, dir := range map[string]string{"HOME": "home", "TMPDIR": "tmp"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, filepath.Join(home, dir))
	}
	b := &bench{t: t, dir: filepath.Join(home, "study"), now: demoNow, env: map[string]string{}}
	api, err := dexsim.New(dexsim.Config{
		Seed: 3, Participants: 3, Days: 12, End: demoNow.AddDate(0, 0, 2), Now: func() time.Time { return b.now },
		ClientID: dexsim.DefaultClientID, ClientSecret: canarySecret,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &canaryCage{bench: b, spy: &spy{api: api, secrets: map[string]string{}}, home: home, ran: map[string]bool{}}
	server := httptest.NewServer(c.spy)
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	b.api, b.url = api, server.URL
	c.spy.learn("client secret", canarySecret)
	return c
}

// does runs a command, which may fail, with -v and keeps what it says.
func (c *canaryCage) does(command string, args ...string) (code int, stdout string) {
	c.t.Helper()
	return c.doesWith("", command, args...)
}

func (c *canaryCage) doesWith(stdin, command string, args ...string) (code int, stdout string) {
	c.t.Helper()
	c.ran[command] = true
	var out, errs bytes.Buffer
	code = c.start(slices.Concat([]string{"-v"}, strings.Fields(command), args), strings.NewReader(stdin), &out, &errs)
	c.said(command, code, out.String()+errs.String())
	return code, out.String()
}

func (c *canaryCage) said(command string, code int, text string) {
	c.outputs = append(c.outputs, fmt.Sprintf("dexetl %s: exit %d\n%s", command, code, text))
}

// expect runs a command that must end with an exit code.
func (c *canaryCage) expect(code int, command string, args ...string) {
	c.t.Helper()
	if got, _ := c.does(command, args...); got != code {
		c.t.Errorf("dexetl %s %s: exit %d, want %d\n%s", command, strings.Join(args, " "), got, code, c.outputs[len(c.outputs)-1])
	}
}

// No token, code, secret or userId leaves the sealed store and the raw log,
// and no note leaves event_notes and the raw log: not by any command, not when
// it fails, not with -v, not by what the API repeats in its errors.
func TestCanary(t *testing.T) {
	oneAfterTheOther(t)
	c := newCanaryCage(t)
	c.work()
	c.fail()
	c.everyCommandRan()
	secrets := c.spy.learned()
	for _, what := range []string{"client secret", "authorisation code", "access token", "refresh token", "userId", "sealing key", "key", "webhook secret"} {
		if !slices.Contains(slices.Collect(maps.Values(secrets)), what) {
			t.Errorf("no %s passed: the test proves nothing of it", what)
		}
	}
	for _, output := range c.outputs {
		if found := leaks(output, secrets); len(found) > 0 {
			t.Errorf("%v in the output of %s", found, output)
		}
	}
	c.searchFiles(secrets)
	c.searchTables(secrets)
}

// work is a study's life, as it should be.
func (c *canaryCage) work() {
	t := c.t
	c.expect(exitDone, "init", c.dir, "--base-url", c.url)
	if err := os.WriteFile(filepath.Join(c.dir, "client-secret"), []byte(canarySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		c.expect(exitDone, "completion "+shell)
		c.expect(exitDone, "complete", shell, "--study", c.dir, "status", "")
	}
	var roster, tokens bytes.Buffer
	if err := errors.Join(c.api.WriteRoster(&roster), c.api.WriteTokens(&tokens)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(tokens.String()), "\n")
	for _, line := range lines[1:] {
		_, token, _ := strings.Cut(line, ",")
		c.spy.learn("refresh token", token)
	}
	c.expect(exitDone, "participants import", c.file("roster.csv", roster.String()))
	c.expect(exitDone, "participants add", "Q001", "--start", "2026-04-01")
	c.expect(exitDone, "participants list")
	c.expect(exitDone, "participants show", "P001")
	c.expect(exitDone, "participants pause", "Q001", "--reason", "not yet")
	c.expect(exitDone, "participants resume", "Q001")
	c.expect(exitDone, "participants add", "Q002", "--start", "2026-04-01")
	c.expect(exitDone, "participants remove", "Q002")
	c.expect(exitDone, "windows import", c.file("windows.csv", "participant_id,window,start_day,end_day\n*,base,1,7\n"))
	c.expect(exitDone, "windows list")
	c.expect(exitDone, "exclusions import", c.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-04-08,2026-04-08,MRI\n"))
	c.expect(exitDone, "exclusions list")
	c.expect(exitDone, "connect", "--import", c.file("tokens.csv", lines[0]+"\n"+lines[1]+"\n"))
	c.signIn("P002", "&user=P002", exitDone)
	c.expect(exitConsent, "backfill") // P003 and Q001 are not connected
	c.now = c.now.Add(30 * time.Hour) // access tokens end, notes are edited
	c.expect(exitConsent, "sync", "--trailing", "20d")
	c.expect(exitDone, "audit")
	c.expect(exitDone, "audit", "--csv")
	c.expect(exitDone, "metrics", "--json")
	c.expect(exitDone, "query", "--csv", "select raw from rejects union all select before from changes union all select reason from audit")
	c.expect(exitDone, "status")
	c.expect(exitDone, "audit verify")
	c.expect(exitDone, "audit head")
	c.expect(exitUsage, "audit verify", "--head", "no such line")
	c.expect(exitDone, "connect", "--public-key")
	grants := filepath.Join(c.home, "grants.age")
	c.expect(exitDone, "connect", "--export", grants)
	c.expect(exitConsent, "sync")
	c.expect(exitUsage, "connect", "--import", grants)
	c.expect(exitDone, "connect", "--import", grants, "--yes")
	c.expect(exitDone, "plan backfill")
	c.expect(exitDone, "plan sync", "--deep")
	c.expect(exitDone, "plan refresh", "P001", "--from", "2026-04-08", "--to", "2026-04-09")
	c.expect(exitDone, "refresh", "P001", "--from", "2026-04-08", "--to", "2026-04-09")
	c.expect(exitDone, "invite", "P003", "--base-url", "https://consent.example.org")
	c.expect(exitDone, "invite list")
	c.addKey("dashboard")
	c.expect(exitUsage, "keys add", "--name", "dashboard", "--scope", "read")
	c.expect(exitDone, "keys list")
	c.expect(exitDone, "keys revoke", "dashboard")
	c.webhooks()
	c.expect(exitDone, "participants close", "--dry-run")
	c.expect(exitDone, "replay")
	backups := filepath.Join(filepath.Dir(c.dir), "backups")
	c.expect(exitDone, "backup", backups)
	c.expect(exitDone, "restore", backups, filepath.Join(filepath.Dir(c.dir), "restored"))
	c.expect(exitUsage, "restore", c.dir, backups)
	c.expect(exitDone, "verify", "--deep")
	c.expect(exitDone, "repair")
	c.expect(exitDone, "runs")
	c.expect(exitDone, "snapshots list")
	c.expect(exitDone, "snapshots diff", "1", "latest")
	c.expect(exitDone, "export csv", "-o", filepath.Join(c.home, "copy"))
	c.expect(exitDone, "export parquet", "-o", filepath.Join(c.home, "tables"), "--tables", "events")
	c.expect(exitDone, "export duckdb", "-o", filepath.Join(c.home, "copy.duckdb"), "--deid", "--tables", "events,devices,alert_settings")
	c.expect(exitUsage, "export csv", "-o", filepath.Join(c.home, "copy"))
	c.expect(exitDone, "export names")
	c.expect(exitDone, "report", "-o", filepath.Join(c.home, "pages"), "--unblinded")
	c.expect(exitDone, "report", "-o", filepath.Join(c.home, "runs"), "--run", "last")
	c.expect(exitUsage, "report", "-o", c.dir)
	c.expect(exitDone, "snapshots tag", "paper-1", "--reason", "for the paper")
	c.expect(exitDone, "snapshots tag")
	c.expect(exitDone, "snapshots drop", "paper-1", "--reason", "not needed")
	c.expect(exitDone, "gc", "--keep-last", "1")
	c.does("doctor")
	c.expect(exitDone, "version")
	c.expect(exitDone, "schema list")
	c.expect(exitDone, "schema show", "egv-record", "--example")
	c.expect(exitDone, "schema show", "--dialect", "openapi")
	c.expect(exitCheck, "schema check", c.savedAnswer())
}

// addKey makes a key, which standard output has this once and nothing else ever.
func (c *canaryCage) addKey(name string) {
	c.t.Helper()
	code, stdout, stderr := c.run("-v", "keys", "add", "--name", name, "--scope", "manage")
	if code != exitDone {
		c.t.Fatalf("keys add: exit %d\n%s", code, stderr)
	}
	c.spy.learn("key", strings.TrimSpace(stdout))
	c.ran["keys add"] = true
	c.said("keys add", code, stderr)
}

// webhooks tells somebody who is not there, and whose secret standard output has this
// once and nothing else ever.
func (c *canaryCage) webhooks() {
	c.t.Helper()
	c.allowPrivate()
	for _, command := range [][]string{{"webhooks", "add", "http://127.0.0.1:1/hook"}, {"webhooks", "rotate", "ep1"}} {
		code, stdout, stderr := c.run(append([]string{"-v"}, command...)...)
		if code != exitDone {
			c.t.Fatalf("dexetl %v: exit %d\n%s", command, code, stderr)
		}
		c.spy.learn("webhook secret", strings.TrimSpace(stdout))
		c.ran[strings.Join(command[:2], " ")] = true
		c.said(strings.Join(command[:2], " "), code, stderr)
	}
	c.expect(exitLater, "webhooks test", "ep1")
	c.expect(exitConsent, "sync")
	p, s := c.inProcess()
	check(c.t, p.newsOf(s).Fill(c.t.Context()))
	c.expect(exitDone, "webhooks disable", "ep1")
	c.expect(exitDone, "webhooks enable", "ep1", "--reason", "it is back")
	c.expect(exitDone, "webhooks replay", "ep1", "--since", "1d")
	c.expect(exitDone, "webhooks deliveries", "ep1")
	c.expect(exitDone, "webhooks list")
	c.expect(exitDone, "webhooks show", "ep1")
	c.expect(exitUsage, "webhooks show", "ep2")
}

// savedAnswer is a file of an answer that repeats every secret where it should not be.
func (c *canaryCage) savedAnswer() string {
	secrets := slices.Collect(maps.Keys(c.spy.learned()))
	answer, err := json.Marshal(map[string]any{
		"recordType": "event", "recordVersion": secrets, "userId": noteCanary,
		"records": []any{map[string]any{"value": noteCanary, "unit": strings.Join(secrets, " "), "systemTime": secrets[0], "new": append(secrets, noteCanary)}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.file("saved-tokens.json", string(answer))
}

// signIn connects somebody in the browser.
func (c *canaryCage) signIn(id, more string, code int) {
	c.t.Helper()
	c.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(c.t)
	defer delete(c.env, "DEXETL_API_REDIRECT_URI")
	got, page, stderr := c.bench.connect(id, visit(c.t, more), "-v")
	c.said("connect "+id, got, page+stderr)
	if got != code {
		c.t.Errorf("connect %s: exit %d, want %d\n%s", id, got, code, stderr)
	}
}

// everyCommandRan fails for a command without a case here. A hidden one is a part of
// another, which runs it.
func (c *canaryCage) everyCommandRan() {
	var walk func(prefix string, command *cli.Command)
	walk = func(prefix string, command *cli.Command) {
		for _, sub := range command.Commands {
			name := strings.TrimSpace(prefix + " " + sub.Name)
			if len(sub.Commands) == 0 && !sub.Hidden && !c.ran[name] {
				c.t.Errorf("dexetl %s has no case in this test: let it run in work, and in fail", name)
			}
			walk(name, sub)
		}
	}
	walk("", new(program).command())
}
