package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A terminal is one at which a person starts dexetl, reads, and types.
type terminal struct {
	t       *testing.T
	person  *os.File
	command *exec.Cmd
	said    string
}

// sitDown starts dexetl at a terminal, in the environment of b.
func sitDown(t *testing.T, b *bench, args ...string) *terminal {
	t.Helper()
	person, screen := openTerminal(t)
	defer screen.Close()
	command := exec.Command("dexetl", args...)
	command.Env = append(os.Environ(), "DEXETL_STUDY="+b.dir, "BROWSER=true", lagVariable+"="+time.Since(b.now).String())
	command.Stdin, command.Stdout, command.Stderr = screen, screen, screen
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	return &terminal{t: t, person: person, command: command}
}

// await reads until the screen shows text.
func (s *terminal) await(text string) {
	s.t.Helper()
	buffer := make([]byte, 4096)
	for !strings.Contains(s.said, text) {
		n, err := s.person.Read(buffer)
		s.said += string(bytes.ReplaceAll(buffer[:n], []byte("\r"), nil))
		if err != nil {
			s.t.Fatalf("the screen never shows %q: %v\n%s", text, err, s.said)
		}
	}
}

// types is what the person types.
func (s *terminal) types(text string) { s.person.WriteString(text) }

// exits reads the rest, and expects an exit code soon.
func (s *terminal) exits(want int) {
	s.t.Helper()
	late := time.AfterFunc(20*time.Second, func() { s.command.Process.Kill() })
	buffer, err := make([]byte, 4096), error(nil)
	for n := 0; err == nil; s.said += string(bytes.ReplaceAll(buffer[:n], []byte("\r"), nil)) {
		n, err = s.person.Read(buffer)
	}
	s.command.Wait()
	late.Stop()
	if code := s.command.ProcessState.ExitCode(); code != want {
		s.t.Errorf("%q: exit %d, want %d\n%s", s.command.Args, code, want, s.said)
	}
}

// Ctrl-C at whatever asks or reads ends it at once, with nothing done and the command
// to type again.
func TestCtrlCAtAPrompt(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2})
	b.must("backfill")
	trail := b.must("audit", "--csv")
	for prompt, args := range map[string][]string{
		"Type P001 to go on: ":    {"withdraw", "P001", "--reason", "moved"},
		"Why, for the record? ":   {"withdraw", "P001", "--effective", "2026-04-14"},
		"reading the statement":   {"query"},
		"reading the roster":      {"participants", "import", "-"},
		"reading the windows":     {"windows", "import", "-"},
		"reading the exclusions":  {"exclusions", "import", "-"},
		"paste the address":       {"connect", "P001", "--manual"},
		"waiting for the browser": {"connect", "P001"},
	} {
		s := sitDown(t, b, args...)
		s.await(prompt)
		s.types("\x03")
		s.exits(exitInterrupted)
		if !strings.Contains(s.said, "\ndexetl: ") || !strings.Contains(s.said, "nothing ") || !strings.Contains(s.said, "\n  next: dexetl "+args[0]) {
			t.Errorf("dexetl %q does not say what to do after Ctrl-C, on a line of its own:\n%s", args, s.said)
		}
	}
	if now := b.must("audit", "--csv"); now != trail {
		t.Errorf("what was interrupted changed the study:\n%s", now)
	}
}

// At a terminal the reason is asked for, and what cannot be undone is confirmed.
func TestWithdrawAtATerminal(t *testing.T) {
	oneAfterTheOther(t)
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2})
	s := sitDown(t, b, "withdraw", "P001", "--effective", "2026-04-14")
	s.await("Why, for the record? ")
	s.types("moved away\n")
	s.await("Type P001 to go on: ")
	s.types("P00\n")
	s.exits(exitUsage)
	s = sitDown(t, b, "withdraw", "P001", "--effective", "2026-04-14")
	s.await("Why, for the record? ")
	s.types("moved away\n")
	s.await("Type P001 to go on: ")
	s.types("P001\n")
	s.exits(exitDone)
	lines := strings.Split(b.must("audit", "P001", "--csv"), "\n")
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "withdrawal") && strings.Contains(l, "moved away") }) {
		t.Errorf("the reason is not on record:\n%s", strings.Join(lines, "\n"))
	}
}
