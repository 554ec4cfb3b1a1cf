package reading

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// days draws records of ten days, every 5 minutes.
func days(t *rapid.T) []Record {
	start := month(3).From / second
	return steadily(t, start, start+10*86_400, 300, []int64{start + 3*86_400, start + 6*86_400})
}

// Whatever comes in addition: the readings since its day are those that all records
// make, and the ones before are those that were.
func TestSinceIsOfEverything(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	sure, unsure := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SampledFrom([]func(*rapid.T) []Record{sent, days, days, days}).Draw(t, "records")
		records, who := draw(t), Person{}
		if len(records) == 0 {
			return
		}
		if rapid.Bool().Draw(t, "zone") {
			who.Zone = berlin
		}
		sortRecords(records)
		n := rapid.IntRange(0, len(records)-1).Draw(t, "news")
		changed := records[n].Time
		held := slices.Clone(records[:n])
		for _, r := range records[n:] { // some of what is later is there already
			if rapid.IntRange(0, 3).Draw(t, "held") == 0 {
				held = append(held, r)
			}
			if r.Time > changed+3*microsPerDay {
				break
			}
		}
		records = slices.DeleteFunc(records, func(r Record) bool { return r.Time > changed+3*microsPerDay })
		begin := BeginSince(changed)
		type moment struct {
			transmitter string
			ticks       int64
		}
		early := make(map[moment]bool)
		for _, r := range records {
			early[moment{r.Transmitter, r.Ticks}] = early[moment{r.Transmitter, r.Ticks}] || r.Time < begin && r.Ticks > 0
		}
		var late []Record
		for _, r := range records {
			if r.Time >= begin {
				late = append(late, r)
				if early[moment{r.Transmitter, r.Ticks}] {
					return
				}
			}
		}
		from, own, got, ok := Since(late, who, changed)
		if !ok {
			unsure++
			return
		}
		sure++
		split := func(all []Reading) (before, since []Reading) {
			for _, r := range all {
				if r.vote = 0; r.Time < from {
					before = append(before, r)
				} else {
					since = append(since, r)
				}
			}
			return before, since
		}
		before, want := split(Readings(slices.Clone(records), who))
		was, _ := split(Readings(held, who))
		_, got = split(got)
		if !slices.Equal(got, want) {
			t.Errorf("since %d: %q, of all records %q", from, briefs(got), briefs(want))
		}
		if !slices.Equal(was, before) {
			t.Errorf("before %d: were %q, are %q", from, briefs(was), briefs(before))
		}
		if len(own) != len(slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Time < from })) {
			t.Errorf("since %d: %d records", from, len(own))
		}
	})
	if sure == 0 || unsure == 0 {
		t.Errorf("%d sure, %d not; want some of each", sure, unsure)
	}
	t.Logf("%d sure, %d not", sure, unsure)
}
