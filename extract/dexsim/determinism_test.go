package dexsim

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// answers are the bytes of everything a user is served at now.
func (d *desk) answers(user string) []byte {
	access := d.access(user)
	var all []byte
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		all = append(all, d.get(window(resource, dataEnd.AddDate(0, 0, -29), dataEnd), access).Body.Bytes()...)
	}
	all = append(all, d.get("/v3/users/self/devices", access).Body.Bytes()...)
	return append(all, d.get("/v3/users/self/dataRange", access).Body.Bytes()...)
}

// A person depends on the seed and their index: not on the others, not on
// the clock once everything can be seen, not on what was asked before.
func TestSamePersonEverywhere(t *testing.T) {
	for _, chaos := range []Kinds{0, AllData} {
		cfg := fixed(4, 6)
		cfg.Chaos = Chaos{Kinds: chaos}
		want := newDesk(t, cfg).answers("P002")

		cfg.Held = 1
		again := newDesk(t, cfg)
		again.answers("P003") // drops P002's history, which is made again
		again.answers("P002")
		again.answers("P001")
		if got := again.answers("P002"); !bytes.Equal(got, want) {
			t.Errorf("chaos %s: the same seed serves other bytes, %d and %d", chaos, len(got), len(want))
		}
		cfg.Participants = 30
		many := newDesk(t, cfg)
		many.now = many.now.AddDate(2, 0, 0)
		if got := many.answers("P002"); !bytes.Equal(got, want) {
			t.Errorf("chaos %s: among 30, two years later, P002 is another, %d and %d bytes", chaos, len(got), len(want))
		}
		cfg.Seed++
		if got := newDesk(t, cfg).answers("P002"); bytes.Equal(got, want) {
			t.Errorf("chaos %s: another seed makes the same person", chaos)
		}
	}
}

// However a span is cut into windows, each record is in one of them.
func TestWindowsTile(t *testing.T) {
	cfg := fixed(10, 4)
	cfg.Chaos = Chaos{Kinds: AllData, RecordRate: 0.3}
	d := newDesk(t, cfg)
	rapid.Check(t, func(t *rapid.T) {
		v := d.viewOf(rapid.SampledFrom(d.people).Draw(t, "person"), dataEnd.AddDate(0, 3, 0).UnixMilli())
		resource := rapid.SampledFrom([]string{"egvs", "events", "calibrations", "alerts"}).Draw(t, "resource")
		seen := map[int]bool{}
		at, end := dataEnd.AddDate(0, 0, -10).UnixMilli(), dataEnd.AddDate(0, 0, 2).UnixMilli()
		for at < end {
			to := min(end, at+rapid.Int64Range(1, 2*day).Draw(t, "length"))
			for _, x := range v.hits(resource, interval{at, to}) {
				if seen[x.index] || x.at < at || x.at >= to {
					t.Fatalf("hits(%s, [%d, %d)): record %d at %d, seen before %t", resource, at, to, x.index, x.at, seen[x.index])
				}
				seen[x.index] = true
			}
			at = to
		}
		if all := v.hits(resource, everything); len(all) != len(seen) {
			t.Fatalf("%s: %d records in windows, %d in all", resource, len(seen), len(all))
		}
	})
}

// What can be seen is never forgotten while nothing vanishes, and what cannot
// be seen yet is not in dataRange.
func TestVisibleGrows(t *testing.T) {
	d := newDesk(t, fixed(10, 6))
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(d.people).Draw(t, "person")
		early := dataEnd.Add(-time.Duration(rapid.IntRange(0, 10*24*60).Draw(t, "minutes")) * time.Minute).UnixMilli()
		late := early + rapid.Int64Range(0, 5*day).Draw(t, "later")
		before, after := d.viewOf(p, early), d.viewOf(p, late)
		for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
			seen := map[int]bool{}
			for _, x := range after.hits(resource, everything) {
				seen[x.index] = true
			}
			for _, x := range before.hits(resource, everything) {
				if !seen[x.index] {
					t.Fatalf("%s of %s: record %d is there at %s and not at %s", resource, p.name, x.index, utc(early), utc(late))
				}
				if x.upload > early {
					t.Fatalf("%s of %s: record %d is there before its upload", resource, p.name, x.index)
				}
			}
		}
	})
}
