package main

import (
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// Access to an account ends, and while nobody has any, its newest reading, its newest
// event and all its calibrations go. Whoever connects it again finds them gone, although
// no dataRange that they see reaches as far.
func TestReconnectedFindsWhatIsGone(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 12, End: demoNow, OneDevice: true}, demoNow.AddDate(0, 0, 1))
	const id = "P002" // who calibrates
	b.must("backfill", id)
	gone, ends := []string{}, make(map[string]any)
	for _, table := range []string{"egvs", "events"} {
		two := b.query(`select record_id, strftime(system_time, '%Y-%m-%dT%H:%M:%S'), strftime(display_time, '%Y-%m-%dT%H:%M:%S')
			from ` + table + ` order by system_time desc limit 2`)
		gone, ends[table] = append(gone, two[0][0]), map[string]any{"systemTime": two[1][1], "displayTime": two[1][2]}
	}
	for _, row := range b.query("select record_id from calibrations") {
		gone = append(gone, row[0])
	}
	if len(gone) < 3 {
		t.Fatalf("no calibration is there to go: %v", gone)
	}
	b.between("", func(answer map[string]any) {
		if answer["recordType"] == "dataRange" {
			answer["calibrations"] = nil
			for table, end := range ends {
				if shown, ok := answer[table].(map[string]any); ok {
					shown["end"] = end
				}
			}
		}
		if records, ok := answer["records"].([]any); ok {
			answer["records"] = slices.DeleteFunc(records, func(one any) bool {
				id, _ := one.(map[string]any)["recordId"].(string)
				return slices.Contains(gone, id)
			})
		}
	})
	b.disconnect(id)
	b.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(t)
	b.now = b.now.Add(time.Hour)
	if code, said := b.signIn(id, id); code != exitDone {
		t.Fatalf("connect: exit %d\n%s", code, said)
	}
	b.must("sync", id)
	var found []string
	for _, row := range b.query(`select record_id from egvs where vanished_at is not null
		union all select record_id from events where vanished_at is not null
		union all select record_id from calibrations where vanished_at is not null`) {
		found = append(found, row[0])
	}
	slices.Sort(gone)
	slices.Sort(found)
	if !slices.Equal(found, gone) {
		t.Errorf("gone are %v, want %v", found, gone)
	}
}
