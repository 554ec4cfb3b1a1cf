package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/fault/disk"
	"github.com/dexetl/dexetl/schemas"
)

func TestMain(m *testing.M) {
	disk.Enter()
	testscript.Main(m, map[string]func(){
		"dexetl": mainLate, "dexetl-at": mainAt,
		"speed-profile": mainProfile, "speed-server": mainServer, "speed-floor": mainFloor,
	})
}

// lagVariable says how far the clock of a dexetl is behind.
const lagVariable = "DEXETL_TEST_LAG"

// mainLate is main with a clock that lags behind; without a lag it is main.
func mainLate() {
	lag, err := time.ParseDuration(cmp.Or(os.Getenv(lagVariable), "0"))
	if err != nil {
		panic(err)
	}
	run := func() int { return runProcess(func() time.Time { return time.Now().Add(-lag) }) }
	os.Exit(formed(func() int { return pasting(run) }))
}

// The command line as people type it. Every script has a simulated API of its
// own at $SIM, and begins at demoNow, so that its data are always the same.
func TestScripts(t *testing.T) {
	oneAfterTheOther(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			lag := time.Since(demoNow)
			api, err := dexsim.New(dexsim.Config{
				// What is uploaded while a script runs would change its tables.
				Seed: 7, Participants: 5, Days: 8, Now: func() time.Time { return time.Now().Add(-lag) }, End: demoNow.Add(-26 * time.Hour),
				ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret, OpenAPI: schemas.ServedOpenAPI(),
			})
			if err != nil {
				return err
			}
			server := httptest.NewServer(api)
			env.Defer(server.Close)
			env.Setenv("SIM", server.URL)
			env.Setenv(lagVariable, lag.String())
			env.Setenv(pasteVariable, env.WorkDir)
			env.Defer(func() { checkPasted(t, env.WorkDir) })
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "mounts" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return exec.Command("unshare", "-rm", "true").Run() == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"damage":   damage,
			"download": download,
			"exits":    exits,
			"private":  private,
		},
	})
}

// download URL FILE stores what URL answers.
func download(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: download URL FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), get(ts, args[0]), 0o600))
}

// exits CODE COMMAND… runs a command and expects that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	code := 0
	if failed, ok := errors.AsType[*exec.ExitError](ts.Exec(args[1], args[2:]...)); ok {
		code = failed.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// private PATH… expects that nobody but their owner can read the paths.
func private(ts *testscript.TestScript, neg bool, args []string) {
	for _, path := range args {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if open := info.Mode().Perm()&0o077 != 0; open != neg {
			ts.Fatalf("%s has mode %v", path, info.Mode().Perm())
		}
	}
}

// damage DIR cuts the last file below DIR in half.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: damage DIR")
	}
	var last string
	folder, err := filepath.EvalSymlinks(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			last = path
		}
		return err
	}))
	info, err := os.Stat(last)
	ts.Check(err)
	ts.Check(os.Chmod(last, 0o600))
	ts.Check(os.Truncate(last, info.Size()/2))
}

func get(ts *testscript.TestScript, url string) []byte {
	response, err := http.Get(url)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode != http.StatusOK {
		ts.Fatalf("GET %s: %s: %s", url, response.Status, body)
	}
	return body
}
