package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// An index extended bit by bit knows what one built at once knows, and what it
// hands out does not change behind the caller's back.
func TestIndexExtends(t *testing.T) {
	log, err := openLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	step := func(n int, participant string, r dexcom.Resource, w Window, lastSync time.Time) {
		t.Helper()
		h := raw.Header{RequestID: fmt.Sprint(n), ParticipantID: participant, ConnectionID: "c", Resource: string(r), WindowStart: w.Start, WindowEnd: w.End, LastSync: lastSync, AskedAt: epoch.Add(time.Duration(n) * time.Hour)}
		if _, err := log.Append(t.Context(), h, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	extend := func(x *Index) *Index {
		t.Helper()
		if err := x.Extend(log); err != nil {
			t.Fatal(err)
		}
		return x
	}
	var x Index
	step(1, "P1", dexcom.EGVs, span(0, 10), time.Time{})
	step(2, "P2", dexcom.EGVs, span(0, 10), time.Time{})
	step(3, "P1", dexcom.DataRange, Window{}, time.Time{})
	early := extend(&x).Held("P1", "c")
	before := fmt.Sprint(early)
	step(4, "P1", dexcom.EGVs, span(5, 15), time.Time{})
	step(5, "P1", dexcom.Devices, Window{}, time.Time{})
	for n := range keepShown + 3 {
		step(6+n, "P1", dexcom.DataRange, Window{}, epoch)
	}
	late := extend(&x).Held("P1", "c")
	if got := fmt.Sprint(early); got != before {
		t.Errorf("a holding changed from %s to %s", before, got)
	}
	if whole := extend(&Index{}).Held("P1", "c"); fmt.Sprint(whole.Coverage, whole.Devices, whole.Full.RequestID, len(whole.Newest)) != fmt.Sprint(late.Coverage, late.Devices, late.Full.RequestID, len(late.Newest)) {
		t.Errorf("extended index has %v, one built at once %v", late, whole)
	}
	want := Coverage{{span(0, 5), epoch.Add(time.Hour)}, {span(5, 15), epoch.Add(4 * time.Hour)}}
	if fmt.Sprint(late.Coverage[dexcom.EGVs]) != fmt.Sprint(want) || !late.Devices.Equal(epoch.Add(5*time.Hour)) {
		t.Errorf("holding: %v, devices at %v; want %v, hour 5", late.Coverage, late.Devices, want)
	}
	if late.Full.RequestID != "3" || len(late.Newest) != keepShown || late.Newest[keepShown-1].RequestID != fmt.Sprint(6+keepShown+2) {
		t.Errorf("full answer %q, %d others; want the one without lastSyncTime and the newest %d", late.Full.RequestID, len(late.Newest), keepShown)
	}
	if got := x.Held("P1", "another"); got.Coverage != nil {
		t.Errorf("holding through another connection: %v, want none", got)
	}
}
