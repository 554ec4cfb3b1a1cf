//go:build faults

package fault_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/dexetl/dexetl/extract/fault"
)

// The test binary, run again with this variable, passes points and says so.
const child = "FAULT_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	for _, point := range []string{"a.first", "a.second", "a.first", "a.first"} {
		fault.Point(point)
		fmt.Println(point)
	}
}

func TestPointKills(t *testing.T) {
	for _, tt := range []struct {
		fault  string
		passed int // points before death
		killed bool
	}{
		{"", 4, false},
		{"a.first", 0, true},
		{"a.first:1", 0, true},
		{"a.second:1", 1, true},
		{"a.first:3", 3, true},
		{"a.first:4", 4, false},
		{"a.fir:1", 4, false},
	} {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), child+"=1", "DEXETL_FAULT="+tt.fault)
		out, err := command.Output()
		if passed := strings.Count(string(out), "\n"); passed != tt.passed || killed(err) != tt.killed {
			t.Errorf("DEXETL_FAULT=%s: %d points passed, then %v; want %d, killed %t", tt.fault, passed, err, tt.passed, tt.killed)
		}
	}
}

func TestUnreadableFaultIsNotIgnored(t *testing.T) {
	for _, text := range []string{"a.first:", "a.first:x", "a.first:0"} {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), child+"=1", "DEXETL_FAULT="+text)
		if out, err := command.CombinedOutput(); err == nil || killed(err) || !strings.Contains(string(out), text) {
			t.Errorf("DEXETL_FAULT=%s: %v, want a panic that shows it", text, err)
		}
	}
}

func killed(err error) bool {
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
