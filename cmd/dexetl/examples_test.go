package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"
)

// A stop of the container reaches the sync, and is waited for.
func TestCronJobHandsOnAStop(t *testing.T) {
	shell := inPlaceOfDexetl(t, cronJobScript(t), `
		trap 'kill $!; echo stopped; exit 130' TERM
		tail -f /dev/null >/dev/null & echo begun
		wait`)
	said, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	shell.Stdout, shell.SysProcAttr = to, &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) // whoever outlives the shell
	to.Close()
	lines := bufio.NewScanner(said)
	if !lines.Scan() || lines.Text() != "begun" {
		t.Fatalf("the sync said %q, want begun", lines.Text())
	}
	shell.Process.Signal(syscall.SIGTERM)
	if err := shell.Wait(); err != nil {
		t.Fatalf("a stopped container: %v, want exit code 0", err)
	}
	if !lines.Scan() || lines.Text() != "stopped" {
		t.Errorf("the sync said %q, want stopped", lines.Text())
	}
}

// A job is called failed when a person is needed.
func TestCronJobFailsForAPerson(t *testing.T) {
	for code, want := range map[int]int{
		exitDone: 0, exitPartial: 0, exitLater: 0, exitConsent: 0, exitStopped: 0,
		exitUnexpected: 1, exitUsage: 1, exitDamage: 1, exitDisk: 1,
	} {
		if got := exitCode(t, inPlaceOfDexetl(t, cronJobScript(t), fmt.Sprintf("exit %d", code))); got != want {
			t.Errorf("dexetl sync ends with %d: the container with %d, want %d", code, got, want)
		}
	}
}

// Cron finds the program where the documents install it, and mails what is
// printed: nothing of what the next run mends.
func TestCrontab(t *testing.T) {
	text, err := os.ReadFile("../../examples/crontab")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nPATH=/usr/local/bin:") {
		t.Error("cron does not look into /usr/local/bin by itself")
	}
	_, hourly, _ := strings.Cut(string(text), "\n23 * * * *  cd /srv/studies/PILOT1 && ")
	hourly, _, _ = strings.Cut(hourly, "\n")
	for code, mailed := range map[int]bool{
		exitDone: false, exitPartial: false, exitLater: false, exitConsent: false, exitStopped: false,
		exitUnexpected: true, exitDamage: true, exitDisk: true,
	} {
		shell := inPlaceOfDexetl(t, hourly, fmt.Sprintf("echo why >&2; exit %d", code))
		if said, _ := shell.CombinedOutput(); (len(said) > 0) != mailed {
			t.Errorf("dexetl sync ends with %d: cron is told %q", code, said)
		}
	}
}

// What ends by itself does not leave the unit failed.
func TestSyncUnit(t *testing.T) {
	text, err := os.ReadFile("../../examples/systemd/dexetl-sync.service")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("\nSuccessExitStatus=%d %d %d %d %d\n", exitPartial, exitLater, exitConsent, exitStopped, exitInterrupted)
	if !strings.Contains(string(text), want) {
		t.Errorf("the sync unit lacks %q", want)
	}
}

// cronJobScript is what the container of the CronJob gives its shell.
func cronJobScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/kubernetes/cronjob.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path, err := yaml.PathString("$.spec.jobTemplate.spec.template.spec.containers[0]")
	if err != nil {
		t.Fatal(err)
	}
	var container struct{ Command, Args []string }
	if err := path.Read(strings.NewReader(string(text)), &container); err != nil {
		t.Fatal(err)
	}
	if strings.Join(container.Command, " ") != "sh -c" || len(container.Args) != 1 {
		t.Fatalf("the container runs %q %q, want a script for sh -c", container.Command, container.Args)
	}
	return container.Args[0]
}

// inPlaceOfDexetl is script in a shell that takes the shell commands fake for
// dexetl.
func inPlaceOfDexetl(t *testing.T, script, fake string) *exec.Cmd {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "dexetl"), []byte("#!/bin/sh\n"+fake+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", script)
	shell.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
	return shell
}

func exitCode(t *testing.T, command *exec.Cmd) int {
	t.Helper()
	err := command.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}
