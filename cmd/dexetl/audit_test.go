package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// rewrite writes the whole audit trail anew, state.db's end of it included, as somebody
// who can write both may: with every hash right.
func (b *bench) rewrite(change func(lines []string) []string) {
	b.t.Helper()
	path := filepath.Join(b.dir, "state", "audit.jsonl")
	text, err := os.ReadFile(path)
	check(b.t, err)
	lines := change(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
	var out bytes.Buffer
	prev := strings.Repeat("0", 64)
	for i, line := range lines {
		var fields map[string]json.RawMessage
		check(b.t, json.Unmarshal([]byte(line), &fields))
		var parts []string
		for _, name := range []string{"seq", "at", "who", "command", "subject", "participant_id", "before", "after", "reason", "prev"} {
			value := string(fields[name])
			switch name {
			case "seq":
				value = fmt.Sprint(i + 1)
			case "prev":
				value = `"` + prev + `"`
			}
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		}
		hashed := "{" + strings.Join(parts, ",")
		sum := sha256.Sum256([]byte(hashed))
		prev = hex.EncodeToString(sum[:])
		fmt.Fprintf(&out, "%s,\"hash\":\"%s\"}\n", hashed, prev)
	}
	check(b.t, os.WriteFile(path, out.Bytes(), 0o600))
	_, err = b.database().Exec("update audit_head set seq = ?, hash = ?, bytes = ?", len(lines), prev, out.Len())
	check(b.t, err)
}

// A trail that was rewritten as a whole agrees with itself, and with no snapshot and
// no head that was kept.
func TestRewrittenTrail(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	edits := map[string]func([]string) []string{
		"the first line": func(l []string) []string { l[0] = strings.Replace(l[0], "@", "eve@", 1); return l },
		"a line gone":    func(l []string) []string { return append(l[:1:1], l[2:]...) },
		"the last line":  func(l []string) []string { n := len(l) - 1; l[n] = strings.Replace(l[n], "@", "eve@", 1); return l },
		"the end cut":    func(l []string) []string { return l[:len(l)-1] },
	}
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 1})
	b.must("backfill")
	b.must("participants", "pause", "P001")
	b.must("sync")
	b.must("participants", "resume", "P001") // nobody loads it
	head := strings.TrimSpace(b.must("audit", "head"))
	var told struct {
		Schema, Hash, At, Study, Head string
		Lines                         int
	}
	b.decode(&told, "audit", "head", "--json")
	if told.Schema != "dexetl.audit_head/1" || told.Head != head || !strings.Contains(head, told.Hash) || told.Lines == 0 {
		t.Errorf("head %q, as JSON %+v", head, told)
	}
	out := b.must("audit", "verify", "--head", head)
	if !strings.Contains(out, "snapshots whose trail is a part of it: 2") {
		t.Errorf("verify says\n%s", out)
	}
	b.must("participants", "pause", "P002")
	b.must("audit", "verify", "--head", head) // it is still a part of it
	var found struct {
		Lines, Snapshots, Without, Unread int
	}
	b.decode(&found, "audit", "verify", "--json")
	if found.Snapshots != 2 || found.Lines != told.Lines+1 {
		t.Errorf("verify --json says %+v", found)
	}
	for name, edit := range edits {
		restore := b.backup("state.db", "audit.jsonl")
		b.rewrite(edit)
		code, _, stderr := b.run("audit", "verify")
		snapshots := name == "the first line" || name == "a line gone"
		if snapshots && (code != exitDamage || !strings.Contains(stderr, "snapshot 1 of ") || !strings.Contains(stderr, `next: dexetl query --snapshot 1`)) {
			t.Errorf("%s: verify: exit %d, want %d and snapshot 1 named\n%s", name, code, exitDamage, stderr)
		}
		if !snapshots && code != exitDone {
			t.Errorf("%s, which no snapshot has: verify: exit %d\n%s", name, code, stderr)
		}
		if code, _, stderr := b.run("doctor"); snapshots && code != exitDamage {
			t.Errorf("%s: doctor: exit %d\n%s", name, code, stderr)
		}
		restore()
	}
	restore := b.backup("state.db", "audit.jsonl")
	b.rewrite(func(l []string) []string { n := len(l) - 2; l[n] = strings.Replace(l[n], "@", "eve@", 1); return l })
	if code, _, stderr := b.run("audit", "verify", "--head", head); code != exitDamage || !strings.Contains(stderr, "did not have this end") {
		t.Errorf("verify --head of a trail whose noted line was rewritten: exit %d\n%s", code, stderr)
	}
	restore()
	b.must("audit", "verify", "--head", head)
	for _, wrong := range []string{"x", "0 a b c", strings.Replace(head, told.Study, "OTHER", 1), head + " more"} {
		if code, _, stderr := b.run("audit", "verify", "--head", wrong); code != exitUsage {
			t.Errorf("--head %q: exit %d, want %d\n%s", wrong, code, exitUsage, stderr)
		}
	}
	b.unreadSnapshots(head)
}

// unreadSnapshots are no fault if others are newer: they were collected, or their file
// is damaged. That the newest has lost its trail is damage.
func (b *bench) unreadSnapshots(head string) {
	b.t.Helper()
	manifests, err := filepath.Glob(filepath.Join(b.dir, "lake/manifests/*.json"))
	check(b.t, err)
	check(b.t, os.Remove(manifests[0]))
	if out := b.must("audit", "verify", "--head", head); !strings.Contains(out, "part of it: 1") {
		b.t.Errorf("without the first snapshot verify says\n%s", out)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "lake/data/audit/*.parquet"))
	check(b.t, err)
	for _, f := range files {
		check(b.t, os.Remove(f))
	}
	if code, _, stderr := b.run("audit", "verify"); len(files) == 0 || code != exitDamage || !strings.Contains(stderr, "data/audit/") {
		b.t.Errorf("without the newest snapshot's file (of %d): exit %d, want %d and its name\n%s", len(files), code, exitDamage, stderr)
	}
	b.must("replay")
	if out := b.must("audit", "verify"); !strings.Contains(out, "part of it: 1; no longer readable: 1") {
		b.t.Errorf("after a replay verify says\n%s", out)
	}
}
