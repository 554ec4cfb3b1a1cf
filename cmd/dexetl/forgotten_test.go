package main

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// counted puts a counter of requests before the bench's API.
func (b *bench) counted() *atomic.Int64 {
	b.t.Helper()
	target, err := url.Parse(b.url)
	check(b.t, err)
	var asked atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	b.t.Cleanup(between.Close)
	b.env["DEXETL_API_BASE_URL"] = between.URL
	return &asked
}

// backup keeps files of the state folder and returns what puts them back.
func (b *bench) backup(names ...string) (restore func()) {
	b.t.Helper()
	kept := make(map[string][]byte)
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(b.dir, "state", name))
		check(b.t, err)
		kept[name] = text
	}
	return func() {
		for name, text := range kept {
			for _, gone := range []string{name, name + "-wal", name + "-shm"} {
				_ = os.Remove(filepath.Join(b.dir, "state", gone)) // most are not there
			}
			check(b.t, os.WriteFile(filepath.Join(b.dir, "state", name), text, 0o600))
		}
	}
}

// next is the command that an error names, as words, with what the person knows who
// types it: the file, the reason, since when.
func next(t *testing.T, stderr string) []string {
	t.Helper()
	_, advice, _ := strings.Cut(stderr, "\n  advice: ")
	_, command, ok := strings.Cut(stderr, "\n  next: dexetl ")
	files := map[string]string{"participants": "roster.csv", "windows": "windows.csv", "exclusions": "exclusions.csv"}
	for what, file := range files {
		if !ok && strings.Contains(advice, what+" import FILE") {
			return []string{what, "import", file}
		}
	}
	if _, who, lost := strings.Cut(advice, "(withdraw --effective): "); !ok && lost {
		return []string{"withdraw", strings.TrimSpace(who), "--effective", "2026-04-12", "--reason", "again"}
	}
	if !ok {
		t.Fatalf("no next command:\n%s", stderr)
	}
	command, _, _ = strings.Cut(strings.TrimSpace(command), "\n")
	var words []string
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 { // quoted
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// A state that is older than lake and audit trail asks nobody for anything, lets
// nobody in, and says with which commands it gets right again. These do it.
func TestOlderState(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	const windows = "participant_id,window,start,end\n*,first week,2026-04-08,2026-04-10\n"
	const exclusions = "participant_id,from,to,reason\nP002,2026-04-09,2026-04-09,fell off\n"
	changes := map[string]struct {
		change []string
		files  map[string]string
		says   string
	}{
		"withdrawal":      {[]string{"withdraw", "P001", "--effective", "2026-04-12T10:00:00.25Z", "--reason", "moved", "--yes"}, nil, "P001 has withdrawn from 2026-04-12T10:00:00"},
		"pause":           {[]string{"participants", "pause", "P001"}, nil, "P001 has paused true"},
		"roster":          {[]string{"participants", "import", "roster2.csv"}, map[string]string{"roster2.csv": "participant_id,status,status_date\nP001,screen_failed,2026-04-10\n", "roster.csv": "participant_id,status,status_date\nP001,screen_failed,2026-04-10\n"}, "P001 has status screen_failed"},
		"somebody new":    {[]string{"participants", "import", "roster2.csv"}, map[string]string{"roster2.csv": "participant_id\nP009\n", "roster.csv": "participant_id\nP009\n"}, "P009 is in the roster"},
		"windows":         {[]string{"windows", "import", "windows.csv"}, map[string]string{"windows.csv": windows}, "the window  first week"},
		"exclusions":      {[]string{"exclusions", "import", "exclusions.csv"}, map[string]string{"exclusions.csv": exclusions}, "the exclusion P002"},
		"exported grants": {[]string{"connect", "--export", "grants.age", "P001"}, nil, "is exported"},
	}
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, Reusable: true})
	b.must("backfill")
	s := b.save()
	folder := filepath.Dir(b.dir)
	for name, of := range changes {
		for restored, files := range map[string][]string{"state.db": {"state.db"}, "state.db and audit.jsonl": {"state.db", "audit.jsonl"}} {
			if restored == "state.db" && name != "withdrawal" && name != "exported grants" {
				continue // the audit trail alone remembers: TestForgottenRows of package cohort
			}
			t.Run(name+"/"+restored, func(t *testing.T) {
				s.back(t)
				_ = os.Remove(filepath.Join(folder, "grants.age")) // of the one before
				at := func(args []string) []string {               // files of the test beside the study
					out := append([]string{}, args...)
					for i, a := range out {
						if strings.HasSuffix(a, ".csv") || strings.HasSuffix(a, ".age") {
							out[i] = filepath.Join(folder, a)
						}
					}
					return out
				}
				asked := b.counted()
				restore := b.backup(files...)
				for name, text := range of.files {
					b.file(name, text)
				}
				b.must(at(of.change)...)
				b.run("sync") // so that the lake has it too
				restore()
				asked.Store(0)
				b.env["DEXETL_CONNECT_PUBLIC_URL"] = "https://consent.example.org"
				var stderr string
				commands := [][]string{{"sync"}}
				if name == "withdrawal" {
					commands = [][]string{{"sync"}, {"backfill"}, {"connect", "P002", "--manual"}, {"invite", "P002"}, {"connect", "--serve", "127.0.0.1:0"}, {"doctor"}, {"status"}}
				}
				for _, command := range commands {
					var stdout string
					var code int
					code, stdout, stderr = b.run(command...)
					if code != exitDamage || !strings.Contains(stdout+stderr, of.says) {
						t.Errorf("%v: exit %d, want %d and %q\n%s%s", command, code, exitDamage, of.says, stdout, stderr)
					}
					if n := asked.Swap(0); n != 0 && command[0] != "doctor" {
						t.Errorf("%v made %d requests", command, n)
					}
				}
				if _, _, stderr = b.run("sync"); !strings.Contains(stderr, of.says) {
					t.Errorf("sync again:\n%s", stderr)
				}
				for range 5 {
					b.must(append(at(next(t, stderr)), "--yes")...)
					code := 0
					if code, _, stderr = b.run("sync"); code != exitDamage {
						break
					}
				}
				if name == "withdrawal" && !strings.Contains(stderr, "withdrawn, so left out: P001") {
					t.Errorf("sync in the end does not leave P001 out:\n%s", stderr)
				}
				if strings.Contains(stderr, "does not know") {
					t.Errorf("the commands did not get it right:\n%s", stderr)
				}
			})
		}
	}
}

// A pause is recorded again of somebody who has withdrawn, too, where the state has
// forgotten both; else nobody is let in for good.
func TestForgottenPauseOfWhoeverLeft(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 1, Reusable: true})
	b.must("backfill")
	restore := b.backup("state.db")
	withdraw := []string{"withdraw", "P001", "--effective", "2026-04-12", "--reason", "moved", "--yes"}
	b.must("participants", "pause", "P001")
	b.must(withdraw...)
	restore()
	b.must(withdraw...)
	if code, _, stderr := b.run("sync"); code != exitDamage || !strings.Contains(stderr, "next: dexetl participants pause P001") {
		t.Fatalf("sync: exit %d, want %d and that the pause is missing\n%s", code, exitDamage, stderr)
	}
	b.must("participants", "pause", "P001")
	b.must("sync")
	if code, _, stderr := b.run("participants", "resume", "P001"); code != exitUsage || !strings.Contains(stderr, "P001 has withdrawn") {
		t.Errorf("resume: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
}

// Lines of the roster that were edited keep their people out, and nobody else; what was loaded
// can be exported.
func TestEditedRoster(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for name, edit := range map[string]string{
		"study starts": "update participants set study_start = case participant_id when 'P001' then '2026-01-01' else '2026-01-02' end where participant_id in ('P001', 'P002')",
		"no pause":     "update participants set paused = 0",
		"names":        "update participants set participant_id = 'P009' where participant_id = 'P001'; update connections set participant_id = 'P009' where participant_id = 'P001'",
	} {
		b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 2})
		b.must("participants", "pause", "P001")
		db := b.database()
		for _, q := range append([]string{"pragma foreign_keys = off"}, strings.Split(edit, ";")...) {
			_, err := db.Exec(q)
			check(t, err)
		}
		code, _, stderr := b.run("backfill")
		if code != exitDamage || !strings.Contains(stderr, "P001") {
			t.Errorf("%s: backfill: exit %d, want %d and P001 named\n%s", name, code, exitDamage, stderr)
		}
		got := strings.Join(b.lines("select distinct participant_id from egvs order by 1"), " ")
		if want := cmp.Or(map[string]string{"study starts": "P003"}[name], "P002 P003"); got != want {
			t.Errorf("%s: readings of %q", name, got)
		}
		if code, _, stderr := b.run("connect", "P001", "--manual"); code == exitDone || !strings.Contains(stderr, "P001") {
			t.Errorf("%s: connect: exit %d\n%s", name, code, stderr)
		}
		b.must("export", "csv", "-o", filepath.Join(t.TempDir(), "out"))
	}
}

// What is older than the state stops no sync: a lake, which the next load brings up to
// it, and an audit file, which verify names, and which no change goes on with before somebody
// has accepted that lines of it are lost.
func TestNewerState(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 4, End: demoNow.AddDate(0, 0, 1)}, demoNow)
	b.must("backfill")
	lake := filepath.Join(b.dir, "lake")
	check(t, os.CopyFS(lake+"-old", os.DirFS(lake)))
	restoreAudit := b.backup("audit.jsonl")
	b.must("participants", "pause", "P002")
	b.must("withdraw", "P001", "--effective", "2026-04-12", "--reason", "moved", "--yes")
	check(t, os.RemoveAll(lake))
	check(t, os.Rename(lake+"-old", lake))
	if code, _, stderr := b.run("sync"); code != exitDone || !strings.Contains(stderr, "withdrawn, so left out: P001") {
		t.Errorf("sync with an older lake: exit %d\n%s", code, stderr)
	}
	if n := b.lines("select count(*) from egvs where participant_id = 'P001' and system_time >= '2026-04-12T12:00:00'"); n[0] != "0" {
		t.Errorf("%s readings from after the withdrawal", n)
	}
	restoreAudit()
	for _, code := range []int{exitDamage, exitDone} {
		if code, _, stderr := b.run("sync"); code != exitDone {
			t.Errorf("sync with an older audit file: exit %d\n%s", code, stderr)
		}
		if got, _, stderr := b.run("audit", "verify"); got != code {
			t.Errorf("audit verify: exit %d, want %d\n%s", got, code, stderr)
		}
		if got, _, stderr := b.run("participants", "resume", "P002"); got != code {
			t.Errorf("a change beside an older audit file: exit %d, want %d\n%s", got, code, stderr)
		}
		b.must("repair", "--accept-loss", "--reason", "no backup has them")
	}
}

// A study does not ask for anything beside another one's lake, nor does one that has
// lost its state folder.
func TestAnotherStudysLake(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, other := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 1}), newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1})
	b.must("backfill")
	other.env["DEXETL_LAKE_PATH"] = filepath.Join(b.dir, "lake")
	asked := other.counted()
	for _, command := range [][]string{{"sync"}, {"connect", "P001", "--manual"}, {"backfill"}} {
		if code, _, stderr := other.run(command...); code != exitUsage || !strings.Contains(stderr, "belongs to another study") || asked.Load() != 0 {
			t.Errorf("%v: exit %d, %d requests\n%s", command, code, asked.Load(), stderr)
		}
	}
	key, err := os.ReadFile(filepath.Join(b.dir, "state/sealing.key"))
	check(t, err)
	check(t, os.RemoveAll(filepath.Join(b.dir, "state")))
	check(t, os.MkdirAll(filepath.Join(b.dir, "state"), 0o700))
	check(t, os.WriteFile(filepath.Join(b.dir, "state/sealing.key"), key, 0o600))
	if code, _, stderr := b.run("sync"); code != exitDamage || !strings.Contains(stderr, "touch") {
		t.Errorf("sync without the state: exit %d\n%s", code, stderr)
	}
	check(t, os.WriteFile(filepath.Join(b.dir, "state/state.db"), nil, 0o600))
	code, _, stderr := b.run("sync")
	if code != exitUsage || strings.Join(next(t, stderr)[:2], " ") != "connect --public-key" {
		t.Errorf("sync of an empty state: exit %d\n%s", code, stderr)
	}
	b.must("connect", "--public-key")
	if code, _, stderr := b.run("sync"); code != exitDamage || !strings.Contains(stderr, "P001 is in the roster") {
		t.Errorf("sync of a state that is new: exit %d\n%s", code, stderr)
	}
}
