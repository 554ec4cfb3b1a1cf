package raw

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var (
	python = flag.String("python", "", "interpreter with the packages of testdata/interop")
	sample = flag.String("log", "", "raw log of a study that answers are taken from")
)

// A reader that knows docs/raw-log.md alone sees what Entries yields, in segments
// of all formats. make interop runs it.
func TestPythonReads(t *testing.T) {
	if *python == "" {
		t.Skip("-python is not given")
	}
	dir := t.TempDir()
	l := open(t, dir)
	l.maxSegment = 256 << 10
	l.copySome(t, open(t, *sample))
	all, err := l.Segments()
	if err != nil || len(all) < 4 {
		t.Fatalf("%d segments, %v; want some", len(all), err)
	}
	n := 0
	for _, s := range all[:len(all)-2] {
		if _, err := l.Compact(t.Context(), s.Number, func(Entry) Fate { n++; return Fate{Drop: n%3 == 0} }); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := l.Erase(t.Context(), "erased", nil); err != nil || len(done) < 2 {
		t.Fatalf("erased in %d segments, %v; want several", len(done), err)
	}
	command := exec.Command(*python, "../../testdata/interop/read_raw.py", dir)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(strings.TrimSpace(string(out)), "\n"), l.listing(t)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("answer %d of %d: Python reads\n%q, want\n%q", i, len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
}

// copySome appends the answers that another log has of one participant, as they
// were received, and some of them as another's, who is to be erased.
func (l *Log) copySome(t *testing.T, from *Log) {
	t.Helper()
	whose, n := "", 0
	for e, err := range from.Entries(Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if whose == "" {
			whose = e.ParticipantID
		}
		if e.ParticipantID != whose {
			continue
		}
		body, err := e.Plain()
		if err == nil && e.Encoding == encodingGzip {
			body, err = received(e)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%4 == 0 {
			e.ParticipantID = "erased"
		}
		mustAppend(t, l, e.Header, body)
	}
}

func received(e Entry) ([]byte, error) {
	f, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return e.stored(f)
}

// listing is what read_raw.py prints of a log.
func (l *Log) listing(t *testing.T) (lines []string) {
	t.Helper()
	for e, err := range l.Entries(Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		body, err := e.Plain()
		what := fmt.Sprintf("%x", sha256.Sum256(body))
		if dropped := (*DroppedError)(nil); errors.As(err, &dropped) || e.Erased {
			what = "gone"
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %d %s", e.Position, e.RequestID, e.ParticipantID, e.Resource, e.Records, what))
	}
	return lines
}
