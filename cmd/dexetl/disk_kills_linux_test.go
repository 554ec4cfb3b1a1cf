//go:build faults

package main

import (
	"flag"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/fault/disk"
)

var diskKills = flag.Int("disk.kills", 1000, "processes that TestKilledAtAnyCall kills")

// Run after run of one study is killed: in front of one call after the other, at random
// instants, and beside another run. None of them is repaired but by the next, which is
// killed as well. Readers see whole snapshots all the time, none that was there is gone,
// and in the end the lake is what an undisturbed one is.
func TestKilledAtAnyCall(t *testing.T) {
	t.Parallel()
	config := dexsim.Config{Seed: 17, Participants: 2, Days: 60, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData}}
	b := newBenchAt(t, config, demoNow.AddDate(0, 0, -55))
	k := killing{
		diskStudy: &diskStudy{bench: b, base: b.dir},
		t:         t,
		reader:    &lakeReader{lake: filepath.Join(b.dir, "lake")},
		chance:    rand.New(rand.NewPCG(*studySeed, 17)),
		killed:    make(map[string]int),
	}
	fresh := k.copy(t)
	stop := k.reader.watch(t)
	for n := 0; k.kills < *diskKills && !t.Failed(); n++ {
		// A run that nobody disturbs says how many calls there are, and for how long.
		switch {
		case n%40 == 0:
			k.undisturbed()
		case n%8 == 1:
			k.beside()
		case n%2 == 0:
			k.atAnInstant()
		default:
			k.atACall(n)
		}
		k.later()
	}
	stop()
	for range 2 { // all is read again, and what has vanished once more
		k.now = k.now.Add(25 * time.Hour)
		b.must("sync", "--deep")
	}
	k.reader.must(t)
	t.Logf("%d processes killed, %d looks, %d of them into DuckDB: %v", k.kills, k.reader.looks, k.reader.opened, k.killed)
	if r := k.sync(fresh, nil); r.code != exitDone {
		t.Fatal(r)
	}
	if got, want := says(t, b.dir), says(t, fresh); got != want {
		t.Errorf("in the end the lake says\n%sthat of an undisturbed run\n%s", got, want)
	}
	b.compareWithTruth()
	b.tidy()
	var replayed struct{ Identical bool }
	if b.decode(&replayed, "replay", "--json"); !replayed.Identical {
		t.Error("dexetl replay finds differences")
	}
}

// A killing is a study whose runs are killed.
type killing struct {
	*diskStudy
	t      *testing.T
	reader *lakeReader
	chance *rand.Rand
	calls  int           // of an undisturbed run
	took   time.Duration // it
	kills  int
	killed map[string]int // by what was about to be done
}

// later lets an hour pass, in which there is news.
func (k *killing) later() {
	k.now = k.now.Add(time.Hour)
	now := k.now
	k.clock.Store(&now)
}

// undisturbed ends as it should, whatever was before.
func (k *killing) undisturbed() {
	k.t.Helper()
	begun := time.Now()
	r := k.sync(k.dir, killAt(0))
	if r.code != exitDone {
		k.t.Errorf("an undisturbed run: %v", r)
	}
	k.calls, k.took = len(r.calls), time.Since(begun)
	k.t.Logf("%d calls in %v", k.calls, k.took)
	k.later()
}

// killAt kills the process in front of its n-th call; 0: never.
func killAt(n int) func(disk.Call) disk.Answer {
	return func(c disk.Call) disk.Answer { return disk.Answer{Kill: c.N == n} }
}

// atACall kills a run in front of a call: of those that there are, one after the other
// some way off, so that few kills meet all kinds of them.
func (k *killing) atACall(n int) {
	k.count(k.sync(k.dir, killAt(1+(n+int(*studySeed))*173%k.calls)), "call")
}

// atAnInstant kills a run at a random instant.
func (k *killing) atAnInstant() {
	k.count(k.syncUntil(k.dir, time.Duration(k.chance.Int64N(int64(k.took))), syscall.SIGKILL, killAt(0)), "instant")
}

// beside runs two processes at once, of which one is killed: the other ends as if it had
// been alone.
func (k *killing) beside() {
	var other diskRun
	var running sync.WaitGroup
	running.Go(func() { other = k.sync(k.dir, killAt(0)) })
	k.atAnInstant()
	running.Wait()
	if other.code != exitDone && other.code != exitPartial {
		k.t.Errorf("beside a run that was killed: %v", other)
	}
}

// count notes how a run ended that was to be killed.
func (k *killing) count(r diskRun, how string) {
	k.t.Helper()
	switch {
	case r.code == -1:
		k.kills++
		last := disk.Call{Op: "nothing"}
		if len(r.calls) > 0 {
			last = r.calls[len(r.calls)-1]
		}
		k.killed[how+" "+last.Op]++
	case r.code != exitDone:
		k.t.Errorf("a run that was to be killed: %v", r)
	}
}

// watch looks every now and then, until it is stopped.
func (r *lakeReader) watch(t *testing.T) (stop func()) {
	done, ended := make(chan struct{}), sync.WaitGroup{}
	ended.Go(func() {
		ticks := time.NewTicker(200 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
				r.must(t)
			}
		}
	})
	return func() { close(done); ended.Wait() }
}
