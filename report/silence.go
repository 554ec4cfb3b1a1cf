//go:build linux || darwin

package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/study"
)

// longestSilenceFirst puts those who have the same need in the order of their newest
// readings, the oldest first and those without any before. Different needs, and who needs
// nothing, stay as they are, but those of one need come together.
func longestSilenceFirst(people []person) {
	type place struct {
		person
		need   study.Need
		newest time.Time
	}
	all := make([]place, len(people))
	first := map[study.Need]int{}
	for i, p := range people {
		all[i] = place{p, p.Need(), p.Held.Of("egvs").Newest}
		if _, seen := first[all[i].need]; !seen {
			first[all[i].need] = i
		}
	}
	slices.SortStableFunc(all, func(a, b place) int {
		if by := cmp.Compare(first[a.need], first[b.need]); by != 0 || a.need == study.Nothing {
			return by
		}
		return a.newest.Compare(b.newest)
	})
	for i, p := range all {
		people[i] = p.person
	}
}
