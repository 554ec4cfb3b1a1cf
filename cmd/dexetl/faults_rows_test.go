package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// refused are the first questions of everybody for egvs: a fault of ours, which a run
// does not try again and shows.
func (f *faulty) refused() {
	f.t.Helper()
	var mu sync.Mutex
	asked := make(map[string]int)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/egvs") {
			f.api.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		asked[r.Header.Get("Authorization")+r.URL.RawQuery]++
		mu.Unlock()
		http.Error(w, `{"error":"window too long"}`, http.StatusBadRequest)
	}))
	f.t.Cleanup(front.Close)
	f.env["DEXETL_API_BASE_URL"] = front.URL
	f.ended(exitPartial, "400", "backfill")
	delete(f.env, "DEXETL_API_BASE_URL")
	for question, times := range asked {
		if times != 1 {
			f.t.Errorf("%s was asked %d times although it was refused", question, times)
		}
	}
	if len(asked) == 0 {
		f.t.Error("nothing was refused")
	}
}

// endless are the first answers of each kind, one plain and one packed: they say that
// there is nothing, and go on with spaces for longer than an answer may be. Whoever reads
// them to their end takes them for answers.
func (f *faulty) endless() {
	f.t.Helper()
	var mu sync.Mutex
	asked := make(map[string]int)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := path.Base(r.URL.Path)
		mu.Lock()
		asked[kind]++
		nth := asked[kind]
		mu.Unlock()
		if nth > 2 || kind == "token" {
			f.api.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", f.now.UTC().Format(http.TimeFormat))
		var out io.Writer = w
		if nth == 2 {
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			defer packed.Close()
			out = packed
		}
		fmt.Fprintf(out, `{"recordType":%q,"recordVersion":"3.0","records":[]}`, strings.TrimSuffix(kind, "s"))
		spaces := bytes.Repeat([]byte(" "), 1<<20)
		for range dexcom.DefaultMaxBody/len(spaces) + 1 {
			if _, err := out.Write(spaces); err != nil {
				return // nobody reads on
			}
		}
	}))
	f.t.Cleanup(front.Close)
	f.env["DEXETL_API_BASE_URL"] = front.URL
	said, code := "", exitPartial
	for try := 0; code != exitDone && try < 6; try++ {
		var stdout, stderr string
		code, stdout, stderr = f.run("backfill")
		said += stdout + stderr
	}
	delete(f.env, "DEXETL_API_BASE_URL")
	for _, limit := range []int{1 << 20, dexcom.DefaultMaxBody} { // of dataRange, and of all else
		if words := fmt.Sprintf("too large: more than %d bytes", limit); code != exitDone || !strings.Contains(said, words) {
			f.t.Errorf("backfill, again and again: exit %d in the end, want %d and %q\n%s", code, exitDone, words, said)
		}
	}
}

// diskFull has the study on a disk of its own, on which half of it finds room.
func (f *faulty) diskFull() {
	f.t.Helper()
	if exec.Command("unshare", "-rm", "true").Run() != nil {
		f.t.Skip("a small disk of our own needs unshare -rm, which is not allowed here")
	}
	run := f.process("backfill")
	run.Path, run.Args = must(exec.LookPath("unshare")), []string{"unshare", "-rm", "sh", "-e", "-c", `
		study=$1; shift
		cp -a "$study" "$study.kept"
		mount -t tmpfs -o size=48m tmpfs "$study"
		cp -a "$study.kept/." "$study"
		head -c 64m /dev/zero > "$study/filler" 2>/dev/null || truncate -s -1500K "$study/filler"
		code=0; dexetl-at --study "$study" backfill || code=$?
		rm "$study/filler"
		rm -rf "$study.kept"; cp -a "$study" "$study.kept"
		exit $code`, "sh", f.dir}
	out, err := run.CombinedOutput()
	if run.ProcessState.ExitCode() != exitDisk || !strings.Contains(string(out), "the disk is full") && !strings.Contains(string(out), "no space left") {
		f.t.Errorf("backfill on a full disk: %v, want exit %d and why\n%s", err, exitDisk, out)
	}
	check(f.t, os.RemoveAll(f.dir))
	check(f.t, os.Rename(f.dir+".kept", f.dir))
	if strings.Contains(string(out), "P001:") && len(f.left()) > 0 {
		f.t.Errorf("partial files are left: %v", f.left())
	}
	if reused := f.api.Stats().Reused; reused > 0 {
		f.t.Errorf("%d tokens were used twice", reused)
	}
}

// left are files below lake/data that no manifest names.
func (f *faulty) left() (left []string) {
	f.t.Helper()
	var named []string
	if _, err := os.Stat(filepath.Join(f.dir, "lake/latest")); err == nil {
		for _, file := range f.manifest().Files {
			named = append(named, file.Path)
		}
	}
	found, err := filepath.Glob(filepath.Join(f.dir, "lake/data/*/*/*.parquet"))
	check(f.t, err)
	for _, path := range found {
		if name := must(filepath.Rel(filepath.Join(f.dir, "lake"), path)); !slices.Contains(named, name) {
			left = append(left, name)
		}
	}
	return left
}

// rots harms files in every way; each is named, the rest goes on being read, and a
// replay mends them all.
func (f *faulty) rots() {
	f.t.Helper()
	f.must("backfill")
	for table, how := range map[string]string{"egvs": "rows", "events": "cut", "alerts": "gone", "glucose": "footer"} {
		path := f.harmTable(table, how)
		f.ends(path, []int{exitDamage}, "query", "select count(*), max(hash(x)) from "+table+" x")
	}
	f.must("query", "from requests")
	f.must("replay")
	f.must("query", "select count(*), max(hash(x)) from egvs x")
}

// clockWrong is refused where it is a day off, and told where it is some minutes.
func (f *faulty) clockWrong() {
	f.t.Helper()
	for _, f.skew = range []time.Duration{30 * time.Hour, -30 * time.Hour} {
		f.ended(exitCheck, "set the clock", "backfill")
	}
	if _, err := os.Stat(filepath.Join(f.dir, "lake/latest")); err == nil && len(f.manifest().TableFiles("egvs")) > 0 {
		f.t.Error("there are readings in the lake although the clock is wrong")
	}
	f.skew = 5 * time.Minute
	f.ended(exitDone, "clock", "backfill", "-v")
	f.skew = 0
	if ahead := f.plain("select count(*) from requests where window_end > asked_at + interval 1 day"); ahead[0] != "0" {
		f.t.Errorf("%s windows end in the future", ahead[0])
	}
}

// machineZone is another one for every run, and does not matter; days have the hours
// that they have where people live.
func (f *faulty) machineZone() {
	f.t.Helper()
	for zone, args := range map[string][]string{"Asia/Kathmandu": {"backfill", "--to", "2026-03-28"}, "America/St_Johns": {"backfill"}} {
		run := f.process(args...)
		run.Env = append(run.Env, "TZ="+zone)
		if out, err := run.CombinedOutput(); err != nil {
			f.t.Errorf("TZ=%s dexetl %s: %v\n%s", zone, strings.Join(args, " "), err, out)
		}
	}
	f.through()
	got := f.query(`select participant_id, expected_slots from completeness
		where local_date = '2026-03-29' and participant_id in ('P001', 'P004', 'P006') order by 1`)
	if fmt.Sprint(got) != "[[P001 288] [P004 276] [P006 288]]" {
		f.t.Errorf("slots of 29 March in New York, Berlin and Kolkata: %v; want 288, 276, 288", got)
	}
}

// newerSchema is refused by everything, and nothing is written.
func (f *faulty) newerSchema() {
	f.t.Helper()
	f.must("backfill", "--from", "2026-03-29")
	version := func(set string) (was string) {
		db, err := sql.Open("sqlite", filepath.Join(f.dir, "state/state.db"))
		check(f.t, err)
		defer db.Close()
		check(f.t, db.QueryRow("pragma user_version").Scan(&was))
		_, err = db.Exec("pragma user_version = " + set)
		check(f.t, err)
		return was
	}
	known := version("9999")
	before := f.written()
	for _, args := range [][]string{{"backfill"}, {"sync"}, {"replay"}, {"status"}, {"participants", "pause", "P001"}} {
		f.ended(exitUsage, "newer", args...)
	}
	if after := f.written(); after != before {
		f.t.Errorf("something was written although the schema is newer:\n%s\n%s", before, after)
	}
	version(known)
}

// written is a digest of the study's files, but for what readers share.
func (f *faulty) written() string {
	f.t.Helper()
	sum := sha256.New()
	check(f.t, filepath.WalkDir(f.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %x\n", path, sha256.Sum256(content))
		return err
	}))
	return fmt.Sprintf("%x", sum.Sum(nil))
}
