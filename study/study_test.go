package study

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study/config"
)

// now is when the tests' studies are, unless they have a clock of their own.
var now = time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)

// oneAfterTheOther marks a test in which one piece of work follows the other: the race
// detector would see nothing that tests of the same work in other packages do not show it,
// at several times the price. make test runs the test without it.
func oneAfterTheOther(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one piece of work after the other: make test runs it without the race detector")
	}
}

// open makes a study in a new folder, with its state; clock nil: it is now.
func open(t *testing.T, clock func() time.Time) *Study {
	t.Helper()
	if clock == nil {
		clock = func() time.Time { return now }
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.File), []byte("version: 1\napi: {region: us, client_id: app}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenFolder(dir, Program{
		Version: "test", Now: clock, Getenv: func(string) string { return "" }, Stderr: t.Output(), Logger: slog.New(slog.DiscardHandler),
		Tell: func(f Fact) { t.Logf("told: %+v", f) }, Busy: func(Work) func() { return func() {} }, Fetched: func(extract.Progress) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.OpenState(t.Context(), state.Author{Who: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startLoading opens the raw log and a loading that has the load lock.
func (s *Study) startLoading(t *testing.T) (*raw.Log, *loading) {
	t.Helper()
	log, err := raw.Open(s.RawPath())
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.newLoading(t.Context(), log, "RUN")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.close(); log.Close() })
	return log, l
}

// appendAnswer logs the answer of the day before at.
func appendAnswer(t *testing.T, log *raw.Log, n int, at time.Time, body string) {
	t.Helper()
	_, err := log.Append(t.Context(), raw.Header{
		RequestID: fmt.Sprint("R", n), RunID: "RUN", ParticipantID: "P001", ConnectionID: "C", Resource: "calibrations", Status: 200, AskedAt: at,
		WindowStart: at.AddDate(0, 0, -1), WindowEnd: at,
	}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
