package study

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// In a long run latest is renewed by a commit once ten minutes have passed since it
// was, and by no other; the last one is shown in the end.
func TestLatestIsRenewed(t *testing.T) {
	t.Parallel()
	clock := now
	s := open(t, func() time.Time { return clock })
	log, l := s.startLoading(t)
	const answer = `{"recordType":"calibration","recordVersion":"3.0","userId":"u","records":[]}`
	ask := func(n int) { appendAnswer(t, log, n, clock, answer) }
	ask(0)
	if err := errors.Join(l.load(t.Context()), l.publish(t.Context())); err != nil {
		t.Fatal(err)
	}
	latest := func() string {
		link, err := os.Readlink(filepath.Join(s.LakePath(), "latest"))
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
		ask(i + 1)
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

// Ctrl-C ends a fold beside a fetch: the commit in hand is given up, and those that
// would follow are not begun.
func TestInterruptEndsTheFoldBeside(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	log, l := s.startLoading(t)
	const answers = 50
	for i := range answers {
		appendAnswer(t, log, i, now, `{"recordType":"calibration","recordVersion":"3.0","userId":"u","records":[]}`)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var commits atomic.Int64
	interrupted := make(chan struct{})
	l.fold.CommitBytes = 1 // a commit for each answer
	l.fold.Committed = func(context.Context, lake.Manifest) {
		if commits.Add(1) == 3 {
			cancel()
			close(interrupted)
		}
	}
	l.arrived.Store(commitBytes)
	stop := l.alongside(ctx)
	<-interrupted
	stop()
	if n := commits.Load(); n != 3 {
		t.Errorf("%d commits of %d answers, interrupted at the third; want no more", n, answers)
	}
}
