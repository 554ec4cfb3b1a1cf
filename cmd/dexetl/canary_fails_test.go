package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dexetl/dexetl/study/config"
)

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
