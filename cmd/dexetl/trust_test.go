package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// foreign is an account that is neither this one nor root.
const foreign = 54321

// A configuration that somebody else wrote, or may write, runs no command and
// reads no secret, whichever command finds it.
func TestForeignStudyRunsNothing(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1})
	b.must("backfill")
	ran := filepath.Join(filepath.Dir(b.dir), "ran")
	path := filepath.Join(b.dir, config.File)
	b.arm(path, ran)

	for name, spoil := range map[string]func() (next string){
		"folder of another account": func() string { b.give(b.dir); return "" },
		"file of another account":   func() string { b.give(path); return "" },
		"folder of a group":         func() string { b.chmod(b.dir, 0o770); return "chmod go-w " + b.dir },
		"folder of everybody":       func() string { b.chmod(b.dir, 0o777); return "chmod go-w " + b.dir },
		"file of a group":           func() string { b.chmod(path, 0o664); return "chmod go-w " + path },
		"file of everybody":         func() string { b.chmod(path, 0o606); return "chmod go-w " + path },
		"state of another account":  func() string { b.give(filepath.Join(b.dir, "state")); return "" },
		"state of a group": func() string {
			b.chmod(filepath.Join(b.dir, "state"), 0o770)
			return "chmod go-w " + filepath.Join(b.dir, "state")
		},
		"link to another's file": func() string { b.give(b.linkConfig()); return "" },
		"link into an open folder": func() string {
			folder := filepath.Dir(b.linkConfig())
			b.chmod(folder, 0o777)
			return "chmod go-w " + folder
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			defer b.restore(path)
			next := spoil()
			for _, args := range [][]string{
				{"sync"}, {"backfill"}, {"refresh", "P001", "--from", "2026-04-14", "--to", "2026-04-15"}, {"replay"}, {"plan"}, {"status"}, {"doctor"},
				{"connect", "P001", "--print-url"}, {"connect", "--public-key"}, {"invite", "P001"}, {"serve"},
				{"participants", "list"}, {"windows", "list"}, {"exclusions", "list"}, {"audit", "verify"}, {"runs"},
				{"withdraw", "P001", "--reason", "x", "--yes"},
			} {
				code, stdout, stderr := b.run(args...)
				said := stdout + stderr
				if code != exitUsage || !strings.Contains(said, config.TrustVariable+"="+b.dir) || !strings.Contains(said, next) {
					t.Errorf("dexetl %q: exit %d, want %d, how to trust it and %q in\n%s", args, code, exitUsage, next, said)
				}
			}
			if _, err := os.Lstat(ran); err == nil {
				t.Fatal("a command of the configuration was run")
			}
			b.must("query", "select count(*) from egvs") // a reader needs neither secret nor command
			b.must("snapshots", "list")
			b.must("metrics", "--csv")
		})
	}
	b.t = t
	b.must("participants", "list")
}

// The configuration that is used is the one that was looked at: a name that leads
// to another file a moment later changes nothing.
func TestConfigurationIsReadOnce(t *testing.T) {
	oneAfterTheOther(t)
	b := openBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1}, demoNow)
	path := filepath.Join(b.dir, config.File)
	foreign := b.file("foreign.yaml", "version: 1\napi: {region: us, client_secret_command: id}\n")
	b.give(foreign)
	own, err := os.ReadFile(path)
	check(t, err)
	check(t, os.Remove(path))
	check(t, os.Symlink(foreign, path))
	s, err := study.OpenFolder(b.dir, study.Program{Getenv: func(string) string { return "" }})
	check(t, err)
	check(t, os.Remove(path))
	check(t, os.WriteFile(path, own, 0o600)) // too late
	if err := s.Trusted(); !as[*config.TrustError](err) {
		t.Errorf("%+v is trusted (%v), want a *config.TrustError of the file that was read", s.Config.API, err)
	}
}

// One study may be trusted by name, and no other is by that.
func TestTrustedStudy(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1})
	b.chmod(b.dir, 0o770)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(b.dir, link); err != nil {
		t.Fatal(err)
	}
	for trusted, want := range map[string]int{
		b.dir: exitDone, b.dir + "/": exitDone, link: exitDone,
		filepath.Dir(b.dir): exitUsage, b.dir + "-other": exitUsage, "/": exitUsage, "1": exitUsage, "*": exitUsage,
	} {
		b.env[config.TrustVariable] = trusted
		if code, _, stderr := b.run("participants", "list"); code != want {
			t.Errorf("%s=%s: exit %d, want %d\n%s", config.TrustVariable, trusted, code, want, stderr)
		}
	}
}

// Commands that print secrets are not told ours.
func TestCommandsGetNoSecretOfOurs(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1})
	seen := filepath.Join(filepath.Dir(b.dir), "environment")
	t.Setenv("DEXETL_API_CLIENT_SECRET", "canary-one")
	t.Setenv("DEXETL_ACTOR", "canary-two")
	t.Setenv("CREDENTIALS_DIRECTORY", "/canary-three")
	t.Setenv("VAULT_ADDR", "kept")
	b.arm(filepath.Join(b.dir, config.File), seen)
	b.must("sync")
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("canary")) || bytes.Contains(text, []byte("DEXETL_")) || !bytes.Contains(text, []byte("VAULT_ADDR=kept")) {
		t.Errorf("the command saw\n%s", text)
	}
}

// A study folder that others may write is told of by the one who makes it.
func TestInitInOpenFolder(t *testing.T) {
	oneAfterTheOther(t)
	b := openBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1}, demoNow)
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b.chmod(dir, 0o775)
	if code, _, stderr := b.run("init", dir); code != exitDone || !strings.Contains(stderr, "next: chmod go-w "+dir) {
		t.Errorf("init in a folder that a group may write: exit %d, want %d and how to close it in\n%s", code, exitDone, stderr)
	}
}

// A client secret that is there is never written over.
func TestInitKeepsSecret(t *testing.T) {
	oneAfterTheOther(t)
	b := openBench(t, dexsim.Config{Seed: 1, Participants: 1, Days: 1}, demoNow)
	for name, args := range map[string][]string{"init": {"--base-url", b.url}, "demo": {"--participants", "1", "--days", "1"}} {
		dir := filepath.Join(t.TempDir(), name)
		path := filepath.Join(dir, "client-secret")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("real\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := b.run(append([]string{name, dir}, args...)...)
		if text, err := os.ReadFile(path); string(text) != "real\n" || !strings.Contains(stderr, path) {
			t.Errorf("%s: exit %d, the secret is %q (%v), want %q and the file named in\n%s", name, code, text, err, "real\n", stderr)
		}
	}
}

// arm makes the configuration run commands that leave the environment in a file.
func (b *bench) arm(path, trace string) {
	b.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	key := filepath.Join(b.dir, "state", "sealing.key")
	for was, is := range map[string]string{
		"client_secret_file: client-secret": fmt.Sprintf("client_secret_command: env >> %s; echo %s", trace, dexsim.DefaultClientSecret),
		"  path: state\n":                   fmt.Sprintf("  path: state\n  key_command: env >> %s; cat %s\n", trace, key),
	} {
		if !bytes.Contains(text, []byte(was)) {
			b.t.Fatalf("the configuration has no %q", was)
		}
		text = bytes.Replace(text, []byte(was), []byte(is), 1)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) chmod(path string, mode fs.FileMode) {
	b.t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		b.t.Fatal(err)
	}
}

// give gives a file to another account, which root alone can do.
func (b *bench) give(path string) {
	b.t.Helper()
	if os.Geteuid() != 0 {
		b.t.Skip("only root can give a file to another account")
	}
	if err := os.Chown(path, foreign, -1); err != nil {
		b.t.Fatal(err)
	}
}

// linkConfig moves the configuration to a folder beside the study, a link in its
// place, and returns where it is.
func (b *bench) linkConfig() string {
	b.t.Helper()
	target := filepath.Join(b.t.TempDir(), "mounted.yaml")
	if err := os.Rename(filepath.Join(b.dir, config.File), target); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(b.dir, config.File)); err != nil {
		b.t.Fatal(err)
	}
	return target
}

// restore makes the study and its configuration this account's alone again.
func (b *bench) restore(config string) {
	b.t.Helper()
	if target, err := os.Readlink(config); err == nil {
		if err := os.Rename(target, config); err != nil {
			b.t.Fatal(err)
		}
	}
	for path, mode := range map[string]fs.FileMode{b.dir: 0o700, config: 0o600, filepath.Join(b.dir, "state"): 0o700} {
		if err := os.Lchown(path, os.Geteuid(), -1); err != nil {
			b.t.Fatal(err)
		}
		b.chmod(path, mode)
	}
}
