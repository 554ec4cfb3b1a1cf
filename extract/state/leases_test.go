package state

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func claim(t *testing.T, s *Store, owner string, want bool) {
	t.Helper()
	got, err := s.Lease("participant P001", owner).Take(context.Background(), time.Minute)
	if err != nil || got != want {
		t.Errorf("Lease(participant P001, %s) = %t, %v, want %t", owner, got, err, want)
	}
}

func TestLease(t *testing.T) {
	ctx := context.Background()
	dir, c := newFolder(t), newClock()
	a, b := openIn(t, dir, c), openIn(t, dir, c)
	claim(t, a, "a", true)
	claim(t, b, "b", false)
	c.add(50 * time.Second)
	claim(t, a, "a", true) // extended
	c.add(50 * time.Second)
	claim(t, b, "b", false)
	if err := b.Lease("participant P001", "b").Release(ctx); err != nil { // not b's to end
		t.Fatal(err)
	}
	claim(t, b, "b", false)
	c.add(10 * time.Second) // now it is over
	claim(t, b, "b", true)
	claim(t, a, "a", false)
	if err := b.Lease("participant P001", "b").Release(ctx); err != nil {
		t.Fatal(err)
	}
	claim(t, a, "a", true)
	// Other names are other leases.
	if ok, err := b.Lease("participant P002", "b").Take(ctx, time.Minute); err != nil || !ok {
		t.Errorf("Lease(participant P002, b) = %t, %v, want true", ok, err)
	}
	if ok, err := b.Lease("refresh P001", "b").TakeFree(ctx, time.Minute); err != nil || !ok {
		t.Errorf("TakeFree(refresh P001, b) = %t, %v, want true", ok, err)
	}
}

// A refresh that is under way is not taken over because the clock was set, but by
// who has waited for as long as it may take.
func TestLeaseOutlastsTheClock(t *testing.T) {
	ctx := context.Background()
	dir, c := newFolder(t), newClock()
	a, b := openIn(t, dir, c), openIn(t, dir, c)
	check := func(step string, take func(context.Context, time.Duration) (bool, error), want bool) {
		t.Helper()
		if got, err := take(ctx, time.Minute); err != nil || got != want {
			t.Errorf("%s: %t, %v, want %t", step, got, err, want)
		}
	}
	check("free", a.Lease("c", "a").TakeFree, true)
	check("under way", b.Lease("c", "b").Take, false)
	c.add(time.Hour)
	check("under way when the clock is set", b.Lease("c", "b").TakeFree, false)
	check("extended", a.Lease("c", "a").TakeFree, true)
	c.add(time.Hour)
	check("left over", b.Lease("c", "b").Take, true)
	a.Close()
	b.Close()
	check("its process is gone", openIn(t, dir, c).Lease("c", "c").TakeFree, true)
}

// Two goroutines of one process exclude each other, too.
func TestLeaseOneStore(t *testing.T) {
	s, _ := newStore(t)
	claim(t, s, "a", true)
	claim(t, s, "b", false)
}

func TestLeaseEndsWithStore(t *testing.T) {
	dir, c := newFolder(t), newClock()
	a, b := openIn(t, dir, c), openIn(t, dir, c)
	claim(t, a, "a", true)
	claim(t, b, "b", false)
	a.Close()
	claim(t, b, "b", true)
	if left, err := os.ReadDir(filepath.Join(dir, "holders")); err != nil || len(left) != 1 {
		t.Errorf("holders = %v, %v, want b's alone", left, err)
	}
}

// What a killed process claimed is free at once.
func TestLeaseEndsWithProcess(t *testing.T) {
	const variable = "DEXETL_TEST_STATE"
	if dir := os.Getenv(variable); dir != "" {
		s, err := Open(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Lease("participant P001", "child").Take(context.Background(), time.Hour); err != nil || !ok {
			t.Fatalf("Lease = %t, %v", ok, err)
		}
		os.Stdout.WriteString("claimed")
		select {}
	}
	dir := newFolder(t)
	child := exec.Command(os.Args[0], "-test.run=^TestLeaseEndsWithProcess$")
	child.Env = append(os.Environ(), variable+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 10)); n == 0 {
		t.Fatalf("the child did not claim: %v", err)
	}
	s := openIn(t, dir, newClock())
	s.Now = time.Now
	claim(t, s, "b", false)
	child.Process.Kill()
	child.Wait()
	claim(t, s, "b", true)
}

func TestTakeCalls(t *testing.T) {
	ctx := context.Background()
	s, c := newStore(t)
	all := Share{PerHour: 100, AtOnce: 100}
	c.t = c.t.Add(59 * time.Second)
	take := func(n, want int, wantAfter time.Duration) {
		t.Helper()
		got, after, err := s.TakeCalls(ctx, "us", n, all)
		if err != nil || got != want || after != wantAfter {
			t.Errorf("at %s: TakeCalls(us, %d, 100) = %d, %s, %v, want %d, %s", c.t.Format("15:04:05"), n, got, after, err, want, wantAfter)
		}
	}
	take(70, 70, useWithin)
	c.add(time.Minute)
	take(70, 30, useWithin)
	take(1, 0, time.Hour+time.Second) // 12:00's bucket ends to count at 13:02
	if n, _, err := s.TakeCalls(ctx, "eu", 70, all); err != nil || n != 70 {
		t.Errorf("TakeCalls(eu) = %d, %v, want 70: each app has its own budget", n, err)
	}
	c.add(time.Hour)
	take(1, 0, time.Second)
	c.add(time.Second)
	take(100, 70, useWithin)
	if _, _, err := s.TakeCalls(ctx, "us", 0, all); err == nil {
		t.Error("TakeCalls of 0 calls is no error")
	}
}

// However calls are asked for, and however late within their time they are made
// and arrive, no 60 minutes hold more than the limit, and a refusal names a time
// at which there is something.
func TestTakeCallsNeverMore(t *testing.T) {
	ctx := context.Background()
	s, c := newStore(t)
	app := 0
	rapid.Check(t, func(rt *rapid.T) {
		app++
		name := time.Duration(app).String()
		perHour := rapid.IntRange(1, 50).Draw(rt, "perHour")
		shares := []Share{{perHour, rapid.IntRange(0, perHour).Draw(rt, "atOnce")}, {max(1, perHour-perHour/10), perHour / 3}}
		type taken struct {
			at time.Time
			n  int
		}
		var all []taken
		for range rapid.IntRange(1, 8).Draw(rt, "rounds") {
			c.add(time.Duration(rapid.IntRange(0, 1800).Draw(rt, "seconds")) * time.Second)
			if rapid.IntRange(0, 5).Draw(rt, "refused") == 0 {
				if err := s.CallRefused(ctx, name); err != nil {
					rt.Fatal(err)
				}
			}
			n, of := rapid.IntRange(1, 60).Draw(rt, "n"), rapid.SampledFrom(shares).Draw(rt, "share")
			got, after, err := s.TakeCalls(ctx, name, n, of)
			if err != nil {
				rt.Fatal(err)
			}
			if got == 0 {
				c.add(after)
				if got, _, err = s.TakeCalls(ctx, name, n, of); err != nil || got == 0 {
					rt.Fatalf("TakeCalls after the wait of %s it named = %d, %v", after, got, err)
				}
			}
			late := time.Duration(rapid.IntRange(0, 2).Draw(rt, "late")) * useWithin // made late, and 30 s under way
			all = append(all, taken{c.now().Add(late), got})
			for _, last := range all {
				sum := 0
				for _, e := range all {
					if !e.at.After(last.at) && e.at.After(last.at.Add(-time.Hour)) {
						sum += e.n
					}
				}
				if sum > perHour {
					rt.Fatalf("%d calls in 60 minutes, limit %d: %v", sum, perHour, all)
				}
			}
		}
	})
}
