package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/schemas"
)

// Every form is printed by some command, and its schema takes that and nothing else.
func TestEveryForm(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	f := &formPrinter{bench: newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 4}), seen: map[string][]any{}}
	f.tools()
	f.roster()
	f.fetching()
	f.exports()
	f.consents()
	f.keys()
	f.webhooks()
	f.servers()
	for _, s := range schemas.All() {
		if s.Group == "cli" && len(f.seen[s.Title]) == 0 {
			t.Errorf("no command printed %s", s.Title)
		}
	}
	for form, printed := range f.seen {
		for _, value := range printed {
			refuseChanged(t, form, value)
		}
	}
}

// A formPrinter runs commands with --json and keeps what they print, by its form.
type formPrinter struct {
	*bench
	seen map[string][]any
}

// says runs a command; bench checks what it prints.
func (f *formPrinter) says(args ...string) {
	f.t.Helper()
	_, stdout, stderr := f.run(append(args, "--json")...)
	f.keep(stdout)
	f.keep(stderr)
}

func (f *formPrinter) keep(text string) {
	found, _ := jsonIn(text)
	for _, value := range found {
		f.seen[formOf(value)] = append(f.seen[formOf(value)], value)
	}
}

func (f *formPrinter) tools() {
	f.says("version")
	f.says("init", f.dir+"-other")
	f.says("doctor")
	f.says("schema", "list")
	f.says("schema", "check", f.file("answers.json", `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{"new":1}],"new":true}`))
	f.says("status", "P999")
	f.says("frobnicate")
}

func (f *formPrinter) roster() {
	f.says("participants", "add", "X1", "X2", "--start", "2026-04-01", "--reason", "late")
	f.says("participants", "pause", "X1")
	f.says("participants", "list")
	f.says("windows", "import", f.file("windows.csv", "participant_id,window,start,end,start_day,end_day\nP001,visit,2026-04-12,2026-04-13,,\n*,week,,,1,7\n"))
	f.says("windows", "list")
	f.says("exclusions", "import", f.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-04-12,2026-04-12,fever\nP002,2026-04-12,2026-04-12,\n"))
	f.says("exclusions", "list")
	f.says("participants", "remove", "X1")
	f.says("participants", "import", f.file("ended.csv", "participant_id,status,status_date\nP003,completed,2026-03-01\n"))
	f.says("participants", "close", "--dry-run")
}

func (f *formPrinter) fetching() {
	f.says("plan")
	f.says("status")
	f.says("backfill", "P001", "P002", "X2")
	f.says("sync")
	f.says("plan", "refresh", "P001", "--from", "2026-04-12", "--to", "2026-04-13")
	f.says("withdraw", "P002", "--effective", "2026-04-13", "--reason", "moved away", "--yes")
	for _, args := range []string{
		"status", "participants show P001", "participants show P002", "runs", "replay --dry-run", "verify --deep", "repair", "snapshots list", "snapshots diff 1 2", "snapshots tag paper --snapshot 1 --reason paper", "snapshots tag", "snapshots drop paper", "gc --dry-run", "gc", "metrics",
		"metrics P001 --window visit", "audit", "audit verify", "audit head",
	} {
		f.says(strings.Fields(args)...)
	}
	backups := filepath.Join(f.t.TempDir(), "backups")
	f.says("backup", backups)
	f.says("restore", backups, filepath.Join(f.t.TempDir(), "restored"))
	f.says("withdraw", "P002", "--erase", "--reason", "asked to", "--yes")
	f.says("verify", "--absent", "P002")
	f.says("query", "select participant_id, 1.5::decimal(9, 2) as d, 'nan'::double as n, [1] as l from participants")
}

func (f *formPrinter) exports() {
	to := filepath.Join(filepath.Dir(f.dir), "exported")
	f.says("export", "csv", "-o", to, "--tables", "glucose", "--from", "2026-04-12", "--to", "2026-04-13")
	f.says("export", "csv", "-o", to, "--overwrite", "--tables", "windows", "--window", "visit")
	f.says("export", "parquet", "-o", to+".deid", "--deid", "--tables", "devices")
	f.says("export", "names")
	f.says("report", "-o", to+".pages")
	f.says("report", "-o", to+".pages", "--run", "last")
}

func (f *formPrinter) consents() {
	f.says("connect", "--public-key")
	f.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(f.t)
	f.env["DEXETL_CONNECT_PUBLIC_URL"] = "https://consent.example.org"
	_, _, stderr := f.connect("P001", visit(f.t, "&user=P001"), "--json")
	f.keep(stderr)
	f.says("participants", "add", "X3", "--start", "2026-04-01")
	f.says("invite", "X3")
	f.says("invite", "X3", "--csv", filepath.Join(filepath.Dir(f.dir), "links.csv"))
	f.says("invite", "list")
	f.says("invite", "--revoke", "X3")
	f.says("connect", "--import", filepath.Join(filepath.Dir(f.dir), "tokens.csv"))
	grants := filepath.Join(filepath.Dir(f.dir), "grants.age")
	f.says("connect", "--export", grants)
	text := f.unsealed(grants)
	found, _ := jsonIn(text)
	if len(found) != 1 || hasForm(found[0]) != nil {
		f.t.Errorf("exported grants: %v", hasForm(found[0]))
	}
	f.keep(text)
}

func (f *formPrinter) keys() {
	f.says("keys", "add", "--name", "dashboard", "--scope", "read", "--cohort", "A")
	f.says("keys", "list")
	f.says("keys", "revoke", "dashboard")
}

func (f *formPrinter) webhooks() {
	r := newReceiver(f.t)
	f.allowPrivate()
	f.says("webhooks", "add", r.URL, "--events", "dexetl.snapshot.created", "--cohort", "A", "--description", "a dashboard")
	f.now = f.now.Add(time.Hour)
	f.says("sync")
	f.deliver()
	for _, command := range []string{"test", "rotate", "show", "disable", "enable"} {
		f.says("webhooks", command, "ep1")
	}
	f.says("webhooks", "replay", "ep1", "--since", "2h")
	f.says("webhooks", "deliveries")
	f.says("webhooks", "list")
	r.Close()
	f.says("webhooks", "test", "ep1")
}

// unsealed is what a file that was sealed for the study's key holds.
func (f *formPrinter) unsealed(path string) string {
	f.t.Helper()
	key, err := os.ReadFile(filepath.Join(f.dir, "state", "sealing.key"))
	check(f.t, err)
	identities, err := age.ParseIdentities(bytes.NewReader(key))
	check(f.t, err)
	file, err := os.Open(path)
	check(f.t, err)
	defer file.Close()
	plain, err := age.Decrypt(file, identities...)
	check(f.t, err)
	var out strings.Builder
	_, err = bufio.NewReader(plain).WriteTo(&out)
	check(f.t, err)
	return out.String()
}

// servers are the commands that print a line and serve until they are ended.
func (f *formPrinter) servers() {
	f.served(func(string) {}, "simulate", "--listen", "127.0.0.1:0", "--participants", "1", "--days", "1")
	f.env["DEXETL_API_REDIRECT_URI"] = publicRedirect
	f.served(func(line string) {
		found, _ := jsonIn(line)
		at, _ := found[0].(map[string]any)["listening"].(string)
		response, err := http.Get(at + "/i/nobody-has-this-link")
		check(f.t, err)
		response.Body.Close()
	}, "--study", f.dir, "connect", "--serve", "127.0.0.1:0")
}

// served starts a command that serves, does something when its first line is there, and
// ends it.
func (f *formPrinter) served(do func(first string), args ...string) {
	f.t.Helper()
	command := exec.Command("dexetl", append(args, "--json")...)
	for name, value := range f.env {
		command.Env = append(command.Environ(), name+"="+value)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.StdoutPipe()
	check(f.t, err)
	check(f.t, command.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		f.t.Fatalf("%q: %v\n%s", args, command.Wait(), &stderr)
	}
	first := lines.Text()
	f.keep(first)
	do(first)
	check(f.t, command.Process.Signal(os.Interrupt))
	for lines.Scan() {
		f.keep(lines.Text())
	}
	if err := command.Wait(); err != nil {
		f.t.Errorf("%q: %v\n%s%s", args, err, first, &stderr)
	}
}

// refuseChanged takes members out of an output, and puts others in, all the way down: its
// schema must refuse that.
func refuseChanged(t *testing.T, form string, value any) {
	t.Helper()
	if err := hasForm(value); err != nil {
		t.Errorf("%s: %v", form, err)
		return
	}
	for path, object := range objectsIn("", value) {
		if form == schemas.Query().Schema() && path != "" {
			continue // the columns are the statement's
		}
		object["unknown"] = []any{}
		if hasForm(value) == nil {
			t.Errorf("%s takes an unknown member at %s/", form, path)
		}
		delete(object, "unknown")
		for _, name := range slices.Collect(maps.Keys(object)) {
			held := object[name]
			delete(object, name)
			if hasForm(value) == nil && !mayLack(form, path, name) {
				t.Errorf("%s takes an output without %s/%s", form, path, name)
			}
			object[name] = map[string]any{"wrong": true}
			if hasForm(value) == nil {
				t.Errorf("%s takes an object as %s/%s", form, path, name)
			}
			object[name] = held
		}
	}
}

// mayLack are the members that stand for a table, or that are missing where nothing is to
// be said.
func mayLack(form, path, name string) bool {
	optional := []string{
		"dexetl.run/2/participants/error", "dexetl.run/2/participants/flags/detail", "dexetl.plan/1/participants/flags/detail",
		"dexetl.verify/3/difference", "dexetl.consent_event/1/error", "dexetl.consent_event/1/untold", "dexetl.grants/1/grants/valid_from", "dexetl.grants/1/grants/valid_to",
	}
	return slices.Contains(optional, form+path+"/"+name) || strings.HasSuffix(path, "/tables") || path == "/quarantine/rows"
}

// objectsIn are the first objects of each list in a value, by path.
func objectsIn(path string, value any) map[string]map[string]any {
	found := map[string]map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		found[path] = value
		for name, member := range value {
			maps.Copy(found, objectsIn(path+"/"+name, member))
		}
	case []any:
		for _, one := range value[:min(1, len(value))] {
			maps.Copy(found, objectsIn(path, one))
		}
	}
	return found
}

// What a form does not say is refused.
func TestWrongOutputs(t *testing.T) {
	t.Parallel()
	status := func(edit string) string {
		return `{"schema": "dexetl.status/4", "webhooks": [], "outdated_tables": [], "damaged": [], "resources": [], "rows": [{"participant_id": "P001", "cohort": null,
			"consent": "connected", "egvs": 3, "newest_record": "2026-04-15T10:55:06Z", "lag_min": 64.9, "coverage_14d_pct": 89.4, "coverage_30d_pct": null,
			"open_windows": 0, "last_success": null, "clock_offset_min": null, "clock_offset_from": null, "clock_offset_to": null, "assumed_start": null` + edit
	}
	const done = `, "to_do": null}]}`
	tests := []struct {
		name, text string
		wrong      bool
	}{
		{"status", status(done), false},
		{"row without a column", status(`}]}`), true},
		{"unknown column", status(`, "height_cm": 180` + done), true},
		{"text for a count", strings.Replace(status(done), `"egvs": 3`, `"egvs": "3"`, 1), true},
		{"negative count", strings.Replace(status(done), `"egvs": 3`, `"egvs": -3`, 1), true},
		{"half a count", strings.Replace(status(done), `"egvs": 3`, `"egvs": 3.5`, 1), true},
		{"null for what is never null", strings.Replace(status(done), `"P001"`, `null`, 1), true},
		{"empty id", strings.Replace(status(done), `"P001"`, `""`, 1), true},
		{"time without a zone", strings.Replace(status(done), `10:55:06Z`, `10:55:06`, 1), true},
		{"more than all", strings.Replace(status(done), `89.4`, `189.4`, 1), true},
		{"without rows", `{"schema": "dexetl.windows/1"}`, true},
		{"an older version", strings.Replace(status(done), "status/4", "status/3", 1), true},
		{"another form", strings.Replace(status(done), "status/4", "doctor/1", 1), true},
		{"no form", `{"rows": []}`, true},
		{"a list", `[]`, true},
		{"any columns of a query", `{"schema": "dexetl.query/1", "rows": [{"a": {"b": [null]}}]}`, false},
		{"rows of a query that are no objects", `{"schema": "dexetl.query/1", "rows": [1]}`, true},
		{"unknown exit code", `{"schema": "dexetl.error/1", "code": 9, "error": "e", "advice": "", "next": ""}`, true},
		{"unknown event", `{"schema": "dexetl.consent_event/1", "at": "2026-04-15T10:55:06Z", "event": "left", "participant_id": null}`, true},
	}
	for _, tt := range tests {
		found, _ := jsonIn(tt.text)
		if tt.text == `[]` {
			found = []any{[]any{}}
		}
		if err := hasForm(found[0]); (err != nil) != tt.wrong {
			t.Errorf("%s: %v, want wrong: %t", tt.name, err, tt.wrong)
		}
	}
	if checkForms(nil, exitDone, "done\n", "") == nil {
		t.Error("words are taken for JSON")
	}
}

// Every schema of the program's JSON belongs to a form that a command writes, and no
// command writes JSON that names its form by itself.
func TestFormsAreUsed(t *testing.T) {
	t.Parallel()
	text := ""
	for _, pattern := range []string{"*.go", "../../study/*.go", "../../answer/*.go", "../../extract/consent/*.go"} {
		paths, err := filepath.Glob(pattern)
		check(t, err)
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				source, err := os.ReadFile(path)
				check(t, err)
				text += string(source)
			}
		}
	}
	for _, s := range schemas.All() {
		if s.Group != "cli" {
			continue
		}
		function := ""
		for _, word := range strings.Split(s.Name, "_") {
			function += strings.ToUpper(word[:1]) + word[1:]
		}
		if !strings.Contains(text, "schemas."+function+"()") && s.Title != "dexetl.grants/1" {
			t.Errorf("%s: no command writes schemas.%s()", s.Title, function)
		}
	}
	// Package consent may not know package schemas.
	if named := regexp.MustCompile(`"dexetl\.[a-z_]+/\d+"`).FindAllString(text, -1); !slices.Equal(named, []string{fmt.Sprintf("%q", schemas.Grants().Schema())}) {
		t.Errorf("forms are named outside package schemas: %v", named)
	}
}
