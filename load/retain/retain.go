// Package retain says which snapshots stay. It is pure: whoever asks has looked who has
// something open, and removes what does not stay.
package retain

import (
	"cmp"
	"slices"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// A Policy is how many snapshots stay for their own sake.
type Policy struct {
	Last  int // the newest so many
	Daily int // the last one of each of so many UTC days, of those that have any
}

// Why a snapshot stays.
const (
	Newest    = "newest"
	Previous  = "previous"  // the one before the newest
	Last      = "last"      // by the policy
	Daily     = "daily"     // by the policy
	Recent    = "recent"    // superseded less than Young ago
	Published = "published" // latest is its folder; or it has one, and was superseded less than lake.FolderFor ago
	Opened    = "opened"    // less than lake.OpenFor ago
	Tagged    = "tagged"
	Webhooks  = "webhooks" // what it brought is not told yet
)

// Reasons are all of them.
func Reasons() []string {
	return []string{Newest, Previous, Last, Daily, Tagged, Opened, Webhooks, Published, Recent}
}

// Young is for how long every snapshot stays after another one took its place: whoever
// opened the newest one need not have said so, and is done by then.
const Young = time.Hour

// A Snapshot is one that has a manifest.
type Snapshot struct {
	lake.ID
	CreatedAt time.Time
	Folder    bool // it has one
	Latest    bool // latest is that
}

// A Need is what keeps snapshots whatever the policy says.
type Need struct {
	Tagged []lake.ID
	Opened []lake.ID
	From   int64 // this number and all that follow; 0: none
}

// Keep says why a snapshot stays, the first reason that there is; those that are not in
// it go. All are in order, the newest last.
func (p Policy) Keep(all []Snapshot, need Need, now time.Time) map[lake.ID]string {
	kept := make(map[lake.ID]string)
	keep := func(s Snapshot, why string) { kept[s.ID] = cmp.Or(kept[s.ID], why) }
	for _, s := range all {
		if slices.Contains(need.Tagged, s.ID) {
			keep(s, Tagged)
		}
	}
	days := make(map[string]bool)
	nth := 0
	var next, shown time.Time // when the next newer one was made, and the next that has a folder
	for _, s := range slices.Backward(all) {
		if slices.Contains(need.Opened, s.ID) {
			keep(s, Opened)
		}
		if s.Issue > 0 { // it stands for a tagged one, and for nothing else
			continue
		}
		next = latest(next, s.CreatedAt) // also where the clock went back
		day := s.CreatedAt.UTC().Format(time.DateOnly)
		switch nth {
		case 0:
			keep(s, Newest)
		case 1:
			keep(s, Previous)
		}
		if nth < p.Last {
			keep(s, Last)
		}
		if !days[day] && len(days) < p.Daily {
			days[day] = true
			keep(s, Daily)
		}
		switch {
		case need.From > 0 && s.Number >= need.From:
			keep(s, Webhooks)
		case s.Latest || s.Folder && now.Sub(latest(next, shown)) < lake.FolderFor:
			keep(s, Published)
		case now.Sub(next) < Young:
			keep(s, Recent)
		}
		if next = s.CreatedAt; s.Folder {
			shown = s.CreatedAt
		}
		nth++
	}
	return kept
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
