package retain

import (
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

var begin = time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)

// hourly are snapshots of every hour.
func hourly(n int) (all []Snapshot) {
	for i := range n {
		all = append(all, Snapshot{ID: lake.ID{Number: int64(i + 1)}, CreatedAt: begin.Add(time.Duration(i) * time.Hour)})
	}
	return all
}

// numbers are those that stay, as of the end of all.
func numbers(p Policy, all []Snapshot, need Need) (kept []int64) {
	why := p.Keep(all, need, all[len(all)-1].CreatedAt)
	for id := range why {
		kept = append(kept, id.Number)
	}
	slices.Sort(kept)
	return kept
}

// Of hourly snapshots the newest stay, and the last one of each day.
func TestPolicy(t *testing.T) {
	all := hourly(100) // days end with 24, 48, 72 and 96
	for _, c := range []struct {
		p    Policy
		want []int64
	}{
		{Policy{1, 0}, []int64{99, 100}}, // the one before the newest stays, too
		{Policy{4, 0}, []int64{97, 98, 99, 100}},
		{Policy{1, 1}, []int64{99, 100}},
		{Policy{1, 3}, []int64{72, 96, 99, 100}},
		{Policy{3, 30}, []int64{24, 48, 72, 96, 98, 99, 100}},
		{Policy{0, 0}, []int64{99, 100}},
	} {
		if got := numbers(c.p, all, Need{}); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.p, got, c.want)
		}
	}
}

// Days without a snapshot do not count.
func TestDaysThatHaveAny(t *testing.T) {
	all := []Snapshot{
		{ID: lake.ID{Number: 1}, CreatedAt: begin}, {ID: lake.ID{Number: 2}, CreatedAt: begin.Add(time.Hour)},
		{ID: lake.ID{Number: 3}, CreatedAt: begin.AddDate(0, 3, 0)}, {ID: lake.ID{Number: 4}, CreatedAt: begin.AddDate(0, 6, 0)},
		{ID: lake.ID{Number: 5}, CreatedAt: begin.AddDate(0, 6, 0).Add(time.Hour)},
	}
	if got, want := numbers(Policy{1, 3}, all, Need{}), []int64{2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// What somebody needs stays, whatever the policy says.
func TestNeed(t *testing.T) {
	all := hourly(100)
	again := Snapshot{ID: lake.ID{Number: 20, Issue: 1}, CreatedAt: all[19].CreatedAt}
	all = slices.Insert(all, 20, again)
	all[40].Folder = true // which snapshot 50 superseded more than a day ago
	all[50].Folder = true // which snapshot 90 did less than a day ago
	all[90].Folder = true // snapshot 90
	all[95].CreatedAt = all[100].CreatedAt.Add(-30 * time.Minute)
	for what, c := range map[string]struct {
		need Need
		want []int64
	}{
		"nobody needs any":  {Need{}, []int64{50, 90, 94, 95, 99, 100}},
		"tagged":            {Need{Tagged: []lake.ID{{Number: 7}, {Number: 20, Issue: 1}}}, []int64{7, 20, 50, 90, 94, 95, 99, 100}},
		"opened":            {Need{Opened: []lake.ID{{Number: 8}}}, []int64{8, 50, 90, 94, 95, 99, 100}},
		"not told of":       {Need{From: 97}, []int64{50, 90, 94, 95, 97, 98, 99, 100}},
		"told of, and gone": {Need{From: 101}, []int64{50, 90, 94, 95, 99, 100}},
	} {
		if got := numbers(Policy{Last: 1}, all, c.need); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
	why := Policy{Last: 1}.Keep(all, Need{Tagged: []lake.ID{again.ID}}, all[100].CreatedAt)
	if why[again.ID] != Tagged || why[lake.ID{Number: 20}] != "" {
		t.Errorf("20e1: %q, 20: %q; want the one that is tagged", why[again.ID], why[lake.ID{Number: 20}])
	}
}

// A snapshot that was the newest for long stays as long as another one, once it is that no
// more: its age counts from then. What latest shows stays.
func TestSuperseded(t *testing.T) {
	day := 24 * time.Hour
	for what, c := range map[string]struct {
		ago    [4]time.Duration // since each was made
		folder bool
		latest int
		want   []int64
	}{
		"long ago":                 {[4]time.Duration{30 * day, 20 * day, 10 * day, 9 * day}, true, 0, []int64{3, 4}},
		"a moment ago":             {[4]time.Duration{30 * day, 20 * day, time.Second, 0}, false, 0, []int64{2, 3, 4}},
		"hours ago":                {[4]time.Duration{30 * day, 20 * day, 5 * time.Hour, time.Hour}, false, 0, []int64{3, 4}},
		"hours ago, with a folder": {[4]time.Duration{30 * day, 20 * day, 5 * time.Hour, time.Hour}, true, 0, []int64{2, 3, 4}},
		"what latest shows":        {[4]time.Duration{30 * day, 20 * day, 10 * day, 9 * day}, true, 1, []int64{1, 3, 4}},
	} {
		var all []Snapshot
		for i, ago := range c.ago {
			all = append(all, Snapshot{ID: lake.ID{Number: int64(i + 1)}, CreatedAt: begin.Add(-ago), Folder: c.folder, Latest: i+1 == c.latest})
		}
		kept := Policy{Last: 1}.Keep(all, Need{}, begin)
		var got []int64
		for _, s := range all {
			if kept[s.ID] != "" {
				got = append(got, s.Number)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// The clock may be wrong: what seems to be of tomorrow stays.
func TestTomorrow(t *testing.T) {
	all := hourly(100)
	why := Policy{Last: 1}.Keep(all, Need{}, begin.Add(50*time.Hour))
	if why[lake.ID{Number: 60}] != Recent || why[lake.ID{Number: 40}] != "" {
		t.Errorf("60: %q, 40: %q", why[lake.ID{Number: 60}], why[lake.ID{Number: 40}])
	}
}
