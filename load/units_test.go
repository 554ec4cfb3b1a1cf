package load

import (
	"slices"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// Of what is joined, what is large enough stays for itself, to be copied.
func TestChunks(t *testing.T) {
	for _, c := range []struct{ parts, want []int64 }{
		{nil, nil},
		{[]int64{8, 20, 30}, []int64{8, 20, 30}},
		{[]int64{100, 5, 5}, []int64{100, 10}},
		{[]int64{100, 5, 5, 5}, []int64{100, 15}},
		{[]int64{5, 100, 100}, []int64{105, 100}},
		{[]int64{100, 5}, []int64{105}},
		{[]int64{2, 2, 2}, []int64{6}},
	} {
		u := new(unit)
		for _, rows := range c.parts {
			u.parts = append(u.parts, &unit{files: []lake.File{{Rows: rows}}})
		}
		var got []int64
		for _, chunk := range u.chunks(8) {
			got = append(got, chunk.rows())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("chunks of at least 8 rows of %v: %v, want %v", c.parts, got, c.want)
		}
	}
}

// What is settled is joined before what has just changed, and that only where too many
// files would be small otherwise.
func TestNextRun(t *testing.T) {
	l := layout{maxRows: 1000, maxFiles: 3, maxNew: 1}
	settled, fresh := func(rows int64) *unit { return &unit{files: []lake.File{{Rows: rows}}} }, func(rows int64) *unit {
		return &unit{files: []lake.File{{Rows: rows}}, dirty: true}
	}
	for name, c := range map[string]struct {
		units    []*unit
		from, to int
	}{
		"few":                       {[]*unit{settled(1), settled(1), settled(1), fresh(1)}, 0, 0},
		"the new one is cheapest":   {[]*unit{settled(500), settled(400), settled(9), settled(8), fresh(1)}, 2, 4},
		"full ones do not count":    {[]*unit{settled(1000), settled(1000), settled(2), settled(2), fresh(1)}, 0, 0},
		"new ones between settled":  {[]*unit{settled(9), fresh(5), settled(9), fresh(5), settled(9), fresh(5), settled(9)}, 0, 7},
		"too many, all of them new": {[]*unit{fresh(9), fresh(9), fresh(9), fresh(1), fresh(1)}, 0, 5},
	} {
		if from, to := nextRun(c.units, l); from != c.from || to != c.to {
			t.Errorf("%s: units %d to %d are joined, want %d to %d", name, from, to, c.from, c.to)
		}
	}
}
