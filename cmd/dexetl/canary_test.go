package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/study/config"
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

// leaks names what of secrets and notes is in text.
func leaks(text string, secrets map[string]string) []string {
	found := secretsIn(text, secrets)
	if strings.Contains(text, noteCanary) {
		found = append(found, "note")
	}
	return found
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

// fail is everything that goes wrong.
func (c *canaryCage) fail() {
	c.failAtInput()
	c.failAtTheAPI()
	c.failAtSecrets()
	c.expect(exitUsage, "query", "from event_notes")
	c.expect(exitUsage, "schema list", "more")
	c.expect(exitUsage, "schema show", "nothing-of-that-name")
	c.expect(exitUsage, "schema check", c.file("cut-tokens.json", `{"access_token":"`+canarySecret))
	c.expect(exitUsage, "plan refresh", "P001", "--from", "tomorrow", "--to", "2026-04-09")
	c.expect(exitUsage, "refresh", "nobody", "--from", "2026-04-08", "--to", "2026-04-09")
	c.expect(exitUsage, "invite", "P003", "--base-url", "http://consent.example.org")
	c.expect(exitUsage, "participants close", "nobody")
	c.expect(exitUsage, "participants remove", "P001")
	c.expect(exitUsage, "snapshots diff", "1", "999")
	c.expect(exitUsage, "snapshots tag", "latest", "--reason", "for the paper")
	c.expect(exitUsage, "snapshots drop", "nothing")
	c.expect(exitUsage, "gc", "--keep-last", "-1")
	c.expect(exitUsage, "withdraw", "P002", "--stop", "--effective", "2026-04-10", "--reason", "moved away") // not confirmed
	c.expect(exitDone, "withdraw", "P002", "--stop", "--effective", "2026-04-10", "--reason", "moved away", "--yes")
	c.expect(exitDone, "replay", "--dry-run")
	c.expect(exitUsage, "simulate", "--chaos", "nothing-of-that-name")
	c.expect(exitUsage, "serve", "--schedule", "1h", "--listen", "nowhere") // else it goes on for ever; its work is that of sync
	c.expect(exitUsage, "init", c.dir)
	c.expect(exitUsage, "demo", c.dir) // its secrets are everybody's
}

func (c *canaryCage) failAtInput() {
	const token = "canary-refresh-token-91e0c2"
	c.spy.learn("refresh token", token)
	for i, text := range []string{
		"participant_id,refresh_token\nP003," + token + ",more\n",
		"participant_id,refresh_token\nX999," + token + "\n",
		"participant_id,refresh_token\nP003," + token + "\nP002," + token + "\n",
		"participant_id,refresh_token\nP003,\"" + token + "\n",
		"participant_id;refresh_token\nP003;" + token + "\n",
		token + "\n",
		"age-encryption.org/v1\n" + token + "\n",
		"-----BEGIN AGE ENCRYPTED FILE-----\n" + token + "\n",
	} {
		if code, _ := c.does("connect", "--import", c.file(fmt.Sprintf("bad-tokens-%d.csv", i), text)); code == exitDone {
			c.t.Errorf("connect --import of a bad file, %d, went well", i)
		}
	}
	readable := c.file("readable.csv", "participant_id,refresh_token\nP003,"+token+"\n")
	if err := os.Chmod(readable, 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.expect(exitUsage, "connect", "--import", readable)
	const code = "canary-code-77aa31e9"
	c.spy.learn("authorisation code", code)
	for _, pasted := range []string{
		"http://localhost:8085/callback?code=" + code + "&state=forged\n",
		"http://localhost:8085/callback?code=" + code + "\n", "::" + code + "\n", code + "\n",
	} {
		if got, _ := c.doesWith(pasted, "connect", "P003", "--manual"); got == exitDone {
			c.t.Errorf("connect --manual with %q went well", pasted)
		}
	}
	c.signIn("P003", "&user=P003&deny=1", exitConsent)
	c.signIn("P003", "&user=P001", exitUsage) // somebody else's account
}

// failAtTheAPI: whatever the API repeats of what it was told or would have
// answered, nobody is to read it. Looking at an account takes one call and no
// second try.
func (c *canaryCage) failAtTheAPI() {
	var tokens bytes.Buffer
	if err := c.api.WriteTokens(&tokens); err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(tokens.String()), "\n")
	_, token, _ := strings.Cut(lines[3], ",")
	c.spy.learn("refresh token", token)
	file := c.file("late-tokens.csv", lines[0]+"\n"+lines[3]+"\n")
	for _, where := range []string{"/token", "/v3/"} {
		for name, bad := range faults() {
			c.now = c.now.Add(3 * time.Hour) // tokens end, failures are forgotten
			c.spy.misbehave(where, bad)
			if code, _ := c.does("connect", "--import", file); code == exitDone {
				c.t.Errorf("connect against %s at %s went well", name, where)
			}
		}
	}
	for _, name := range []string{"403", "400"} { // which are not tried again
		c.spy.misbehave("", faults()[name])
		c.does("doctor")
		c.spy.misbehave("/v3/", faults()[name])
		if code, _ := c.does("sync", "P001", "--trailing", "2d"); code == exitDone {
			c.t.Errorf("sync against %s went well", name)
		}
	}
	c.spy.misbehave("", nil)
}

func faults() map[string]fault {
	return map[string]fault{
		"403": func(w http.ResponseWriter, told string) { http.Error(w, told, http.StatusForbidden) },
		"400": func(w http.ResponseWriter, told string) {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": told, "message": told})
		},
		"html": func(w http.ResponseWriter, told string) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<html>%s</html>", told)
		},
		"broken": func(w http.ResponseWriter, told string) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"recordType":"event","userId":"u","records":[{"value":%q`, told)
		},
		"redirect": func(w http.ResponseWriter, told string) {
			w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(told))
			w.WriteHeader(http.StatusFound)
		},
	}
}

func (c *canaryCage) failAtSecrets() {
	t := c.t
	const wrong, printed = "canary-wrong-secret-c01d", "canary-printed-secret-8e8e"
	c.spy.learn("client secret", wrong, printed)
	c.env["DEXETL_API_CLIENT_SECRET"] = wrong
	c.now = c.now.Add(30 * time.Hour)
	c.does("sync", "P001")
	delete(c.env, "DEXETL_API_CLIENT_SECRET")
	config := filepath.Join(c.dir, config.File)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	script := c.file("print-secret.sh", "echo "+printed+"; exit 3\n")
	for was, is := range map[string]string{
		"client_secret_file: client-secret": "client_secret_command: sh " + script,
		"  path: state\n":                   "  path: state\n  key_command: sh " + script + "\n",
	} {
		if err := os.WriteFile(config, bytes.Replace(text, []byte(was), []byte(is), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _ := c.does("sync", "P001"); code != exitUsage && code != exitKey {
			t.Errorf("sync with %s: exit %d, want %d or %d", is, code, exitUsage, exitKey)
		}
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.dir, "state", "sealing.key")
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(key[bytes.LastIndex(bytes.TrimSpace(key), []byte("\n")):]))
	c.spy.learn("sealing key", secret)
	for _, other := range []string{strings.Replace(string(key), secret, secret[:40]+"?", 1), secret + secret} {
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		c.expect(exitKey, "sync", "P001")
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
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

// searchFiles looks into every file as it lies there. In the clear are what the
// user wrote, which is not ours, and the sealing key in its own file.
func (c *canaryCage) searchFiles(secrets map[string]string) {
	ours := 0
	err := filepath.WalkDir(c.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || c.input(path) {
			return err
		}
		ours++
		text, err := os.ReadFile(path)
		found := leaks(string(text)+path, secrets)
		if strings.Contains(path, "/lake/raw/") { // what was received, as it came
			found = slices.DeleteFunc(found, func(what string) bool { return what == "userId" || what == "note" })
		}
		if strings.Contains(path, "/data/event_notes/") {
			found = secretsIn(string(text), secrets) // short texts are not compressed
		}
		if len(found) > 0 {
			c.t.Errorf("%v in %s", found, path)
		}
		return err
	})
	if err != nil || ours < 50 {
		c.t.Errorf("%d files searched, %v", ours, err)
	}
}

// input reports whether a file is the user's.
func (c *canaryCage) input(path string) bool {
	name := filepath.Base(path)
	return name == "client-secret" || name == "sealing.key" || filepath.Dir(path) == c.home && strings.Contains(name, "tokens") ||
		name == "readable.csv" || name == "print-secret.sh"
}

// searchTables reads every row of every data file, also those of snapshots
// gone by. Notes are in event_notes, and there they must be.
func (c *canaryCage) searchTables(secrets map[string]string) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	folders, err := filepath.Glob(filepath.Join(c.dir, "lake", "data", "*"))
	if err != nil || len(folders) < 15 {
		c.t.Fatalf("%d tables, %v", len(folders), err)
	}
	for _, folder := range folders {
		var text sql.NullString
		table := filepath.Base(folder)
		if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) == 0 || table == ".staging" {
			continue
		}
		err := db.QueryRow(`select string_agg(t::varchar, chr(10)) from read_parquet('` + folder + `/**/*.parquet', hive_partitioning = false) t`).Scan(&text)
		if err != nil {
			c.t.Fatalf("%s: %v", table, err)
		}
		found := leaks(text.String, secrets)
		if table == "event_notes" {
			if !slices.Equal(found, []string{"note"}) {
				c.t.Errorf("%v in event_notes, want notes and nothing else", found)
			}
			continue
		}
		if len(found) > 0 {
			line := text.String
			if i := strings.Index(line, noteCanary); i >= 0 {
				line = line[max(0, i-300):min(len(line), i+60)]
			}
			c.t.Errorf("%v in table %s: …%.400s", found, table, line)
		}
	}
	c.searchRaw(secrets)
}

// searchRaw: the raw log holds what was received, or the rest proves little.
func (c *canaryCage) searchRaw(secrets map[string]string) {
	log, err := raw.Open(filepath.Join(c.dir, "lake", "raw"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	var all strings.Builder
	for entry, err := range log.Entries(raw.Position{}) {
		if err != nil {
			c.t.Fatal(err)
		}
		body, err := entry.Plain()
		if err != nil {
			c.t.Fatal(err)
		}
		all.Write(body)
	}
	if found := leaks(all.String(), secrets); !slices.Equal(found, []string{"userId", "note"}) {
		c.t.Errorf("%v in the raw log, want userId and note", found)
	}
}
