package answer

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// What ends the process that answers is told in words, and no core is left.
func TestQueryBreaksOff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script string
		want   string
	}{
		{"kill -SEGV $$", "broke off"}, {"kill -ABRT $$", "broke off"}, {"exit 2", "broke off"}, {"kill -KILL $$", "was killed"}, {"exit 0", "without a word"},
	} {
		command := exec.Command("sh", "-c", test.script)
		ended := command.Run()
		if err := died(command.ProcessState, ended); !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.script, err, test.want)
		}
	}
	command := exec.Command("sh", "-c", "kill -PIPE $$")
	ended := command.Run()
	if err := died(command.ProcessState, ended); !errors.Is(err, ErrReaderLeft) {
		t.Errorf("SIGPIPE: %v, want %v", err, ErrReaderLeft)
	}
}
