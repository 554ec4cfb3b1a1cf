package raw

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const childAppends = 60

// appendAsChild is what the test binary does when it is run again as another
// process.
func appendAsChild(dir, name string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	defer l.Close()
	l.maxSegment = 10_000
	for i := range childAppends {
		h := header(fmt.Sprintf("%s%d", name, i))
		if _, err := l.Append(context.Background(), h, []byte(strings.Repeat(h.RequestID+" ", 10))); err != nil {
			return err
		}
		fmt.Println(h.RequestID)
	}
	return nil
}

func TestTwoProcessesAppend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var children []*exec.Cmd
	for _, name := range []string{"p", "q"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RAW_TEST_APPEND="+dir, "RAW_TEST_NAME="+name)
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		children = append(children, cmd)
	}
	l := open(t, dir)
	l.maxSegment = 10_000
	for i := range childAppends {
		mustAppend(t, l, header(fmt.Sprintf("own%d", i)), nil)
		if _, _, err := read(l, Position{}); err != nil {
			t.Fatalf("Entries while others append: %v", err)
		}
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %v", c.Args, err)
		}
	}
	ids, _, err := read(l, Position{})
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for _, id := range ids {
		name := strings.TrimRight(id, "0123456789")
		if want := fmt.Sprintf("%s%d", name, next[name]); id != want {
			t.Fatalf("entry %s where %s comes next: an append is lost, doubled or out of order", id, want)
		}
		next[name]++
	}
	for _, name := range []string{"p", "q", "own"} {
		if next[name] != childAppends {
			t.Errorf("process %s: %d entries, want %d", name, next[name], childAppends)
		}
	}
}

// A killed appender loses nothing that it acknowledged, and the log goes on.
func TestKilledAppender(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RAW_TEST_APPEND="+dir, fmt.Sprintf("RAW_TEST_NAME=r%d-", round))
		var acknowledged bytes.Buffer
		cmd.Stdout = &acknowledged
		must(t, cmd.Start())
		l := open(t, dir)
		// Wait until the child has written something, so that the kill meets it
		// in the middle.
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			if ids, _, err := read(l, Position{}); err != nil {
				t.Fatal(err)
			} else if strings.Contains(strings.Join(ids, " "), fmt.Sprintf("r%d-", round)) {
				break
			}
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		mustAppend(t, l, header(fmt.Sprintf("after%d", round)), []byte("x"))
		ids, _, err := read(l, Position{})
		if err != nil || ids[len(ids)-1] != fmt.Sprintf("after%d", round) {
			t.Fatalf("round %d: Entries end in %v, %v; want the append after the kill", round, ids, err)
		}
		said, kept := strings.Fields(acknowledged.String()), slices.DeleteFunc(ids, func(id string) bool {
			return !strings.HasPrefix(id, fmt.Sprintf("r%d-", round))
		})
		if len(kept) < len(said) || !slices.Equal(said, kept[:len(said)]) {
			t.Errorf("round %d: %d entries %v of the one killed, who was told of %v", round, len(kept), kept, said)
		}
	}
}
