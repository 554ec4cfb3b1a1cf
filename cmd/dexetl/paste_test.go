package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// pasteVariable names the folder of a script: what a dexetl there prints behind next: is
// pasted into a shell, in a copy of the folder, and faults are noted beside it.
const pasteVariable = "DEXETL_TEST_PASTE"

// pasteFaults is where the faults of a script are noted.
func pasteFaults(folder string) string { return filepath.Clean(folder) + ".pasted" }

// checkPasted fails the test for what a person could not have pasted.
func checkPasted(t *testing.T, folder string) {
	t.Helper()
	noted, err := os.ReadFile(pasteFaults(folder))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	pasted := 0
	for line := range strings.Lines(string(noted)) {
		if fault, ok := strings.CutPrefix(line, "fault "); ok {
			t.Error(fault)
		}
		pasted++
	}
	t.Logf("%s: %d next commands pasted", filepath.Base(folder), pasted)
}

// pasting runs a process with a copy of all that it prints, and then does what the
// person at the terminal does: paste what stands behind next:.
func pasting(run func() int) int {
	folder := os.Getenv(pasteVariable)
	if folder == "" {
		return run()
	}
	var said sharedBuffer
	outEnds, errEnds := tee(&os.Stdout, &said), tee(&os.Stderr, &said)
	code := run()
	outEnds()
	errEnds()
	for _, line := range nextLines(said.String()) {
		note := "pasted " + line
		if err := paste(folder, line); err != nil {
			note = fmt.Sprintf("fault after dexetl %q: next is %s: %v", os.Args[1:], line, err)
		}
		file, err := os.OpenFile(pasteFaults(folder), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(file, strings.ReplaceAll(note, "\n", " | "))
		file.Close()
	}
	return code
}

// tee puts a pipe in the place of a stream, from which all goes on to it and to copied.
func tee(stream **os.File, copied io.Writer) (end func()) {
	read, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	to, done := *stream, make(chan struct{})
	*stream = write
	go func() {
		defer close(done)
		io.Copy(io.MultiWriter(to, copied), read)
	}()
	return func() {
		write.Close()
		<-done
	}
}

// nextLines are the commands that stand behind next:, for people and for programs.
func nextLines(said string) (lines []string) {
	for _, m := range regexp.MustCompile(`(?m)\bnext: ([a-z].*)$`).FindAllStringSubmatch(said, -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// paste runs a line in a copy of folder, where a person has nothing to lose, and without
// the API. It must be a command that the program takes; and unless it waits for somebody,
// it must find the study and all that it needs.
func paste(folder, line string) error {
	args, ours := strings.CutPrefix(line, "dexetl ")
	if ours {
		if err := parseOnly(shellWords(args)); err != nil {
			return err
		}
	}
	if words := shellWords(args); slices.ContainsFunc(words, func(w string) bool {
		return w == "connect" || w == "withdraw" || w == "simulate" // they ask a person, or serve until they are ended
	}) {
		return nil
	}
	away, err := os.MkdirTemp(filepath.Dir(filepath.Clean(folder)), "pasted")
	if err != nil {
		return err
	}
	defer os.RemoveAll(away)
	if said, err := exec.Command("cp", "-a", folder+"/.", away).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", "exec "+strings.ReplaceAll(line, folder, away))
	shell.Cancel = func() error { return shell.Process.Signal(os.Interrupt) }
	shell.WaitDelay = 10 * time.Second
	shell.Dir = strings.Replace(here, folder, away, 1)
	shell.Env = append(os.Environ(), pasteVariable+"=", "DEXETL_API_BASE_URL=http://127.0.0.1:9")
	said, err := shell.CombinedOutput()
	switch code := shell.ProcessState.ExitCode(); {
	case strings.HasSuffix(line, " doctor"): // it found what is wrong
	case ours && (code == exitUsage || code == exitNoStudy || code < 0), !ours && code != 0:
		return fmt.Errorf("%v: %s", err, said)
	}
	return nil
}
