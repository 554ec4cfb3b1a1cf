package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/study/config"
)

// hostile is what a terminal would obey: it names the window, clears the screen,
// rings, goes back, overwrites the line, and turns the rest around.
const hostile = "A\x1b]0;owned\x07\x1b[2J\u009b31m\x08\u202eB\u2066\u200b\rC"

// sly is hostile without what the study's files refuse.
const sly = "A\u202eB\u2066C\u200bD"

// scribbler stands before the API and puts hostile texts into what it says.
func (b *bench) scribble() {
	b.t.Helper()
	escaped, err := json.Marshal(hostile)
	check(b.t, err)
	device := regexp.MustCompile(`("(?:displayDevice|displayApp|transmitterGeneration)":)"[^"]*"`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Accept-Encoding", "identity")
		answer := httptest.NewRecorder()
		b.api.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		if strings.HasSuffix(r.URL.Path, "/alerts") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			w.Write([]byte("no " + hostile + "\ndexetl: all is well\n  next: rm -rf\n"))
			return
		}
		body = device.ReplaceAll(body, append([]byte("$1"), escaped...))
		if strings.HasSuffix(r.URL.Path, "/events") {
			body = bytes.ReplaceAll(body, []byte(`"recordId":`), append(append([]byte(`"`+strings.Trim(string(escaped), `"`)+`":`), escaped...), `,"recordId":`...))
		}
		if strings.HasSuffix(r.URL.Path, "/egvs") {
			body = bytes.Replace(body, []byte(`"trend":"flat"`), append([]byte(`"trend":`), escaped...), 3)
		}
		w.Header().Set("Date", answer.Header().Get("Date"))
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.WriteHeader(answer.Code)
		w.Write(body)
	}))
	b.t.Cleanup(server.Close)
	b.env["DEXETL_API_BASE_URL"] = server.URL
}

// obeyed finds what a terminal would obey or not show; -1 if there is nothing.
func obeyed(text string) int {
	return strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
}

// hostileStudy is a study full of it, loaded through a scribbler.
func hostileStudy(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, dexsim.Config{Seed: 7, Participants: 2, Days: 3})
	b.must("participants", "import", b.file("sly.csv", "participant_id,cohort,site,arm\nP001,"+sly+","+sly+","+sly+"\n"), "--reason", "because "+sly)
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,"+sly+",1,2\n"))
	b.must("exclusions", "import", b.file("exclusions.csv", "participant_id,from,to,reason\nP001,2026-04-10 00:00,2026-04-10 01:00,"+sly+"\n"))
	b.now = b.now.Add(25 * time.Hour) // devices were asked for when they connected
	b.scribble()
	if code, stdout, stderr := b.run("backfill", "-v"); code != exitPartial || obeyed(stdout+stderr) >= 0 {
		t.Fatalf("backfill of a hostile API: exit %d, want %d and nothing that a terminal obeys\n%q", code, exitPartial, stdout+stderr)
	}
	return b
}

// Nothing that others wrote reaches a terminal as they wrote it, whichever command
// shows it, and as JSON it is still what they wrote.
func TestTerminalObeysNobody(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := hostileStudy(t)
	folder := filepath.Join(filepath.Dir(b.dir), hostile)
	check(t, os.Mkdir(folder, 0o700))
	input := b.file("cgm.csv", "id,time,gl\n"+sly+",2026-03-01 12:00,100\n"+sly+",2026-03-01 12:05,110\n")
	named := filepath.Join(folder, "x"+hostile+".csv")
	check(t, os.WriteFile(named, []byte("id,time,gl\n"+hostile+",2026-03-01 12:00,100\n\n1,"+hostile+",x\n"+hostile+",2026-03-01 12:05,\n"), 0o600))
	b.file(hostile+"cert", "")
	text := "'" + hostile + "'"
	commands := [][]string{
		{"status"}, {"status", "P001"}, {"status", "--resources"}, {"status", "--cohort", sly}, {"status", "--cohort", hostile}, {"status", "--check"},
		{"participants", "list"}, {"participants", "list", "--needs"}, {"participants", "show", "P001"}, {"participants", "show", hostile},
		{"participants", "add", hostile}, {"participants", "import", named}, {"participants", "import", b.file("bad.csv", "participant_id,cohort,"+hostile+"\nP009,"+hostile+",\n")},
		{"participants", "import", b.file("bad2.csv", "participant_id,region\nP009,"+hostile+"\n"+hostile+",us\n")},
		{"windows", "list"}, {"windows", "import", named}, {"windows", "import", b.file("bad3.csv", "participant_id,window,start_day,end_day\n"+hostile+",w,1,2\n*,"+hostile+",a"+hostile+",2\n")},
		{"exclusions", "list"}, {"exclusions", "import", b.file("bad4.csv", "participant_id,from,to,reason\nP001,"+hostile+",x,"+hostile+"\n")},
		{"runs"}, {"snapshots", "list"}, {"snapshots", "diff", "1", "latest"}, {"snapshots", "diff", hostile, "1"}, {"plan"}, {"plan", "sync", "--cohort", hostile},
		{"audit"}, {"audit", "verify"}, {"audit", "verify", "--contains", hostile}, {"audit", "--subject", hostile}, {"audit", "P001"},
		{"doctor"}, {"sync", "-v"}, {"sync", "--from", hostile}, {"refresh", "P001", "--from", hostile, "--to", hostile}, {"replay"}, {"replay", "--dry-run"},
		{"query", "from participants"}, {"query", "from devices"}, {"query", "from windows"}, {"query", "from exclusions"}, {"query", "from audit"},
		{"query", "from requests"}, {"query", "from egvs"}, {"query", "from events"}, {"query", "from rejects"}, {"query", "from window_metrics"},
		{"query", "select " + text + ` as "` + hostile + `"`}, {"query", "select [" + text + "], {'a': " + text + "}, map {" + text + ": 1}, '\\x1b\\x9b'::blob"},
		{"query", "select " + text + "::int"}, {"query", "select error(" + text + ")"}, {"query", "selec " + text}, {"query", `select "` + hostile + `"`},
		{"query", `from "` + hostile + `"()`}, {"query", "select 1", "--snapshot", hostile}, {"query", "select 1", "--max-memory", hostile}, {"query", "select 1", "--timeout", hostile},
		{"query", "select 'P001' as a, chr(10) || 'dexetl: done' as b"}, {"query", "select error(chr(10) || '  next: rm -rf /')"},
		{"metrics"}, {"metrics", "--window", sly}, {"metrics", "--window", hostile}, {"metrics", "--from", hostile}, {"metrics", "--select", hostile}, {"metrics", "--preset", hostile},
		{"metrics", "--input", input}, {"metrics", "--input", named}, {"metrics", "--input", named + "not"}, {"metrics", "--input", input, "--columns", "id=" + hostile},
		{"metrics", "--input", input, "--unit", hostile}, {"metrics", "--input", input, hostile},
		{"connect", hostile}, {"connect", "P001", "--listen", hostile}, {"connect", "--import", named}, {"invite", hostile}, {"invite", "list"},
		{"invite", "revoke", hostile}, {"invite", "P001", "--csv", filepath.Join(folder, "no", "x")}, {"withdraw", hostile, "--reason", sly},
		{"withdraw", "P002", "--effective", hostile, "--reason", "x"}, {"withdraw", "P001", "--reason", hostile},
		{hostile}, {"participants", hostile}, {"status", "--" + hostile}, {"status", "--max-age", hostile}, {"snapshots", "list", "--limit", hostile},
		{"--study", folder, "status"}, {"init", folder}, {"init", filepath.Join(folder, "new"), "--region", hostile}, {"init", filepath.Join(folder, "new"), "--base-url", hostile},
		{"simulate", "--replay", named}, {"simulate", "--chaos", hostile}, {"simulate", "--listen", hostile}, {"demo", named}, {"demo", folder}, {"version"},
		{"withdraw", "P002", "--yes", "--reason", "because " + sly}, {"audit"}, {"status"},
	}
	for _, args := range commands {
		for _, more := range [][]string{nil, {"--json"}} {
			if more != nil && (args[0] == "replay" || args[0] == "withdraw" || args[0] == "sync") {
				continue
			}
			code, stdout, stderr := b.run(append(args, more...)...)
			if at := obeyed(stdout + stderr); at >= 0 {
				t.Errorf("dexetl %q %v: exit %d, and a terminal obeys %.80q", args, more, code, (stdout + stderr)[at:])
			}
			if strings.Contains(stderr, "\ndexetl: all is well") || strings.Contains(stderr, "\n  next: rm") {
				t.Errorf("dexetl %q %v: a line of somebody else's looks like one of dexetl's:\n%s", args, more, stderr)
			}
		}
	}
}

// JSON and CSV are data: they have what others wrote, to the last character.
func TestDataStayAsTheyWere(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := hostileStudy(t)
	var got struct{ Rows []map[string]string }
	out := b.must("query", "select distinct display_device as d, cohort from devices join participants using (participant_id) where participant_id = 'P001' order by length(d) desc", "--json")
	check(t, json.Unmarshal([]byte(out), &got))
	if len(got.Rows) == 0 || got.Rows[0]["d"] != hostile || got.Rows[0]["cohort"] != sly {
		t.Errorf("device and cohort as JSON = %q, want %q and %q", got.Rows, hostile, sly)
	}
	if rows := b.query("select distinct display_device as d from devices order by length(d) desc"); len(rows) == 0 || rows[0][0] != hostile {
		t.Errorf("device as CSV = %q, want %q", rows, hostile)
	}
}

// A configuration that is wrong is named without what is wrong in it.
func TestTerminalAndConfiguration(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 7, Participants: 1, Days: 1}, demoNow)
	good, err := os.ReadFile(filepath.Join(b.dir, config.File))
	check(t, err)
	for _, wrong := range []string{
		"version: 1\n" + sly + ": 2\n", "version: " + sly + "\n", "study: {id: \"" + `\e]0;x\a\x9b\u202e` + "\"}\n",
		"api: {region: \"" + `\e[31m\u202e` + "\"}\n", "version: 1\n\x1b[31m: 1\n", "sync: {resources: [\"" + `\e[2J` + "\"]}\n",
	} {
		check(t, os.WriteFile(filepath.Join(b.dir, config.File), []byte(wrong), 0o600))
		code, stdout, stderr := b.run("status")
		if code != exitUsage || obeyed(stdout+stderr) >= 0 {
			t.Errorf("status with %q: exit %d, want %d and nothing that a terminal obeys: %q", wrong, code, exitUsage, stdout+stderr)
		}
	}
	check(t, os.WriteFile(filepath.Join(b.dir, config.File), good, 0o600))
	for name, value := range map[string]string{"DEXETL_API_REGION": hostile, "DEXETL_SYNC_TRAILING": hostile, "DEXETL_LIMITS_CONCURRENCY": hostile, "DEXETL_ACTOR": hostile, "DEXETL_STUDY": hostile, "DEXETL_LAKE_PATH": hostile} {
		b.env[name] = value
		for _, args := range [][]string{{"status"}, {"doctor"}, {"status", "--json"}} {
			if _, stdout, stderr := b.run(args...); obeyed(stdout+stderr) >= 0 {
				t.Errorf("%v with %s: a terminal obeys %q", args, name, stdout+stderr)
			}
		}
		delete(b.env, name)
	}
}

// A next command works as printed, whatever is in it.
func TestNextQuotesWhatCannotBePrinted(t *testing.T) {
	if got, want := plain.ShellLine([]string{"dexetl", "--study", "a\x1b\u202e'b\\ c"}), `dexetl --study $'a\x1b\xe2\x80\xae\x27b\x5c c'`; got != want {
		t.Errorf("shellLine = %s, want %s", got, want)
	}
}

// Spreadsheets compute nothing of --csv-safe, and its numbers stay numbers; --csv is
// the data.
func TestCSVForSpreadsheets(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 7, Participants: 2, Days: 2})
	b.must("backfill")
	b.must("participants", "pause", "P001", "--reason", "=P1")
	input := b.file("cgm.csv", "id,time,gl\n=P1,2026-03-01 12:00,100\n")
	const statement = `select '=1+1' as "=head", '+1' as b, '-1' as c, '@a' as d, chr(9) || 'e' as e, chr(13) || 'f' as f, 'a=1' as g, -5 as h, -1.5::decimal(4, 1) as i,
		-2.5 as j, null as k, '-1' || chr(10) as l, date '2026-01-02' as m, ['=1'] as n, '＝1' as o,
		'a;=1' as p, 'b' || chr(9) || '+1' as q, 'c;d' as r`
	want := "'=head,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r\n'=1+1,'+1,'-1,'@a,'\te,\"'\rf\",a=1,-5,-1.5,-2.5,,\"'-1\n\",2026-01-02,\"[\"\"=1\"\"]\",'＝1,a;'=1,b\t'+1,c;d\n"
	if got := b.must("query", statement, "--csv-safe"); got != want {
		t.Errorf("--csv-safe = %q, want %q", got, want)
	}
	plainly := strings.ReplaceAll(strings.Replace(want, "'\te", "\"\te\"", 1), "'", "") // encoding/csv quotes leading blanks
	if got := b.must("query", statement, "--csv"); got != plainly {
		t.Errorf("--csv = %q, want %q", got, plainly)
	}
	for _, args := range [][]string{{"metrics", "--input", input}, {"audit"}} {
		out := b.must(append(args, "--csv-safe")...)
		if !strings.Contains(out, "'=P1") || strings.Contains(b.must(append(args, "--csv")...), "'=P1") {
			t.Errorf("%v --csv-safe does not quote =P1, or --csv does:\n%s", args, out)
		}
		if code, _, _ := b.run(append(args, "--csv-safe", "--json")...); code != exitUsage {
			t.Errorf("%v --csv-safe --json: exit %d, want %d", args, code, exitUsage)
		}
	}
}

// A name with a line break in it tells nobody what to do next.
func TestLinesOfOthersAreNotOurs(t *testing.T) {
	var out bytes.Buffer
	(&program{stderr: &out}).printError(&exitError{exitUsage, "look " + hostile, dexetl("status"), errors.New("two:\nline 3: x\n  next: rm -rf /\n\r advice: y\ndexetl: all is well")}, false)
	want := "dexetl: two:\nline 3: x\n>   next: rm -rf /\n>   advice: y\n> dexetl: all is well\n  advice: look " + plain.Line(hostile) + "\n  next: dexetl status\n"
	if out.String() != want {
		t.Errorf("printError = %q, want %q", out.String(), want)
	}
	if got := plainText("%s: %d\n%v", "a\ndexetl: b", 1, errors.New("c\nnext: d")); got != "a dexetl: b: 1\nc\n> next: d" {
		t.Errorf("plainText = %q", got)
	}
}
