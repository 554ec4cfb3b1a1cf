package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
)

const apiDocs = "../../docs/api.md"

// Each curl of docs/api.md does what stands there, in the order of the file: it is
// answered, in the shape of the answer below it; and no route is without one. With -update
// the answers are written anew, with one element of each list and the first members of
// long objects.
func TestDocsOfTheAPI(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	text, err := os.ReadFile(apiDocs)
	check(t, err)
	s := newServedDocs(t)
	done := curlBlock.ReplaceAllStringFunc(string(text), func(found string) string {
		parts := curlBlock.FindStringSubmatch(found)
		command, kind, want := parts[1], parts[3], parts[4]
		got := s.run(command)
		if kind == "" {
			return found
		}
		if *update {
			return "```sh\n" + command + "```\n\n```" + kind + "\n" + abridged(kind, got) + "```\n"
		}
		if shape(kind, want) != shape(kind, got) {
			t.Errorf("%s\nthe file says\n%s\nthe answer is\n%s\n(-update writes it anew)", command, shape(kind, want), shape(kind, got))
		}
		return found
	})
	if *update {
		check(t, os.WriteFile(apiDocs, []byte(done), 0o644))
	}
	for _, r := range s.routes {
		if !s.asked[r] {
			t.Errorf("%s has no curl for %s", apiDocs, r)
		}
	}
}

// A curlBlock is a block of shell with a curl, perhaps with its answer.
var curlBlock = regexp.MustCompile("(?s)```sh\n(curl .*?)```\n(\n```(json|csv)\n(.*?)```\n)?")

// A servedDocs is a study that is served for the commands of the documentation.
type servedDocs struct {
	t      *testing.T
	env    []string
	dir    string
	mu     sync.Mutex
	asked  map[string]bool
	routes []string
}

func newServedDocs(t *testing.T) *servedDocs {
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 3})
	b.must("sync")
	b.now = b.now.Add(time.Hour)
	b.env["DEXETL_SERVE_REDIRECT_URLS"] = "https://app.example.org/back"
	b.env["DEXETL_CONNECT_PUBLIC_URL"] = "https://study.example.org"
	v := b.service()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go v.runner.Run(ctx)
	s := &servedDocs{t: t, dir: t.TempDir(), asked: make(map[string]bool)}
	a := v.api()
	a.Observe = func(method, route string, status int, _ time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[method+" "+route] = true
		if !a.Describes(method, route, status) {
			t.Errorf("the description of %s %s has no answer %d", method, route, status)
		}
	}
	for _, r := range a.Routes() {
		s.routes = append(s.routes, r.Method+" "+r.Path)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	c := &caller{b: b, api: a}
	people := b.query("select participant_id from participants order by 1")
	team, err := a.Identities.Study(t.Context())
	check(t, err)
	s.env = append(os.Environ(), "URL="+server.URL, "TEAM_ID="+team.String(), "PARTICIPANT="+people[0][0], "USER_ID="+c.user(people[0][0]), "OTHER_ID="+c.user(people[1][0]),
		"KEY="+c.key("read", access.Rights{Scope: access.Read, Notes: true, Unblinded: true}),
		"MANAGE="+c.key("manage", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true}))
	return s
}

// run runs a command of the documentation, and returns what it prints.
func (s *servedDocs) run(command string) string {
	s.t.Helper()
	script := `curl() { command curl -sS --fail-with-body "$@"; }` + "\nset -eo pipefail\n" + command
	shell := exec.CommandContext(s.t.Context(), "bash", "-c", script)
	shell.Dir, shell.Env = s.dir, s.env
	var out, wrong bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &wrong
	if err := shell.Run(); err != nil {
		s.t.Errorf("%s\n%v: %s%s", command, err, &out, &wrong)
	}
	var made struct {
		LinkToken string `json:"link_token"`
	}
	if json.Unmarshal(out.Bytes(), &made) == nil && made.LinkToken != "" {
		s.env = append(s.env, "LINK_TOKEN="+made.LinkToken) // as a reader would copy it
	}
	var devices []struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(out.Bytes(), &devices) == nil && len(devices) > 0 && strings.Contains(command, "/device") {
		s.env = append(s.env, "DEVICE_ID="+devices[0].ID)
	}
	return out.String()
}

// abridged is an answer with one element of each list, or the first lines of a table.
func abridged(kind, text string) string {
	if kind == "csv" {
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(lines[:min(3, len(lines))], "")
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return text
	}
	short, _ := json.MarshalIndent(oneOfEach(v), "", "  ") // it came out of JSON
	return string(short) + "\n"
}

func oneOfEach(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, of := range few(v) {
			v[key] = oneOfEach(of)
		}
		return few(v)
	case []any:
		if len(v) > 0 {
			return []any{oneOfEach(v[0])}
		}
	}
	return v
}

// few is an object, or the first members of one that has as many as a row of metrics.
func few(object map[string]any) map[string]any {
	const many, enough = 40, 12
	if len(object) < many {
		return object
	}
	out := make(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(object))[:enough] {
		out[key] = object[key]
	}
	return out
}

// shape is what two answers to one question have in common: the members; of CSV the
// header.
func shape(kind, text string) string {
	if kind == "csv" {
		header, _, _ := strings.Cut(text, "\n")
		return header
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return err.Error() + ": " + text
	}
	return shapeOf(v)
}

func shapeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(few(v))) {
			all = append(all, key)
			if nested, ok := v[key].(map[string]any); ok {
				all = append(all, shapeOf(nested))
			}
		}
		return fmt.Sprint(all)
	case []any:
		if len(v) > 0 {
			return "list of " + shapeOf(v[0])
		}
		return "list"
	}
	return fmt.Sprintf("%T", v)
}
