package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// In a long run latest is renewed by a commit once ten minutes have passed since it
// was, and by no other; the last one is shown in the end.
func TestLatestIsRenewed(t *testing.T) {
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 9, Participants: 1, Days: 1})
	b.must("backfill")
	clock := b.now
	p := &program{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: func() time.Time { return clock }}
	p.flags.study, p.flags.quiet = b.dir, true
	s, err := p.openStudy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	log, err := raw.Open(s.rawPath())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	l, err := p.newLoading(t.Context(), s, log, "RUN")
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	latest := func() string {
		link, err := os.Readlink(filepath.Join(b.dir, "lake/latest"))
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Base(link)
	}
	commits := []struct {
		after time.Duration // the one before
		shown string        // by latest, afterwards
	}{
		{time.Minute, "000001"}, {8*time.Minute + 59*time.Second, "000001"}, {time.Second, "000004"},
		{9 * time.Minute, "000004"}, {25 * time.Minute, "000006"}, {0, "000006"}, {time.Minute, "000006"},
	}
	for i := range commits {
		_, err := log.Append(t.Context(), raw.Header{
			RequestID: fmt.Sprint("R", i), RunID: "RUN", ParticipantID: "P001", ConnectionID: "C", Resource: "calibrations", Status: 200, AskedAt: clock,
			WindowStart: clock.AddDate(0, 0, -1), WindowEnd: clock,
		}, []byte(`{"recordType":"calibration","recordVersion":"3.0","userId":"u","records":[]}`))
		if err != nil {
			t.Fatal(err)
		}
	}
	var shown []string
	tell := l.fold.Committed
	l.fold.CommitBytes = 1 // a commit for each answer
	l.fold.Committed = func(ctx context.Context, m lake.Manifest) {
		clock = clock.Add(commits[len(shown)].after)
		tell(ctx, m)
		shown = append(shown, latest())
	}
	if err := l.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := make([]string, len(commits))
	for i, c := range commits {
		want[i] = c.shown
	}
	if !slices.Equal(shown, want) {
		t.Errorf("latest after each commit = %q, want %q", shown, want)
	}
	if err := l.publish(t.Context()); err != nil || latest() != "000008" {
		t.Errorf("latest in the end = %s, %v; want 000008", latest(), err)
	}
}
