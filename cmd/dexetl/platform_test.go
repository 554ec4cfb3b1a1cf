package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A build for a system that has no locks as ours ends with one sentence, with
// a C compiler at hand or without one.
func TestOtherPlatformsAreRefusedInASentence(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for _, platform := range []string{"GOOS=windows", "GOOS=freebsd"} {
		for _, cgo := range []string{"CGO_ENABLED=0", "CGO_ENABLED=1"} {
			command := exec.Command("go", "list", "-e", "-deps", "-test", "-f", "{{with .Error}}{{.Err}}{{end}}", module+"...")
			command.Env = append(os.Environ(), platform, cgo, "GOARCH=amd64")
			command.Stderr = t.Output()
			out, err := command.Output()
			if err != nil {
				t.Fatalf("go list: %v", err)
			}
			said := map[string]bool{}
			for line := range strings.Lines(string(out)) {
				said[strings.TrimSpace(line)] = true
			}
			delete(said, "")
			const want = "pattern dexetl runs on Linux and macOS, and on Windows inside WSL: no matching files found"
			if len(said) != 1 || !said[want] {
				t.Errorf("%s %s: a build says %v, want %q", platform, cgo, said, want)
			}
		}
	}
}
