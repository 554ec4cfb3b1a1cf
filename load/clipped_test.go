package load

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// Where a withdrawal clips what dataRange showed there is no record: an empty answer
// around it is doubted, not contradicted. One around a true end is contradicted.
func TestClippedRangeIsNoRecord(t *testing.T) {
	header := raw.Header{ParticipantID: "P1", ConnectionID: "A", Resource: "egvs", AskedAt: now, WindowStart: at(10, "00:00:00"), WindowEnd: at(20, "00:00:00")}
	for _, tt := range []struct {
		name string
		end  time.Time // of the newest record that dataRange showed
		cut  time.Time
		want trust
	}{
		{"the newest record is in the window", at(15, "00:00:00"), time.Time{}, contradicted},
		{"it is behind the window", at(28, "00:00:00"), time.Time{}, doubted},
		{"it is behind the withdrawal, which is in the window", at(28, "00:00:00"), at(15, "00:00:00"), doubted},
		{"it is before the withdrawal, both in the window", at(14, "00:00:00"), at(15, "00:00:00"), contradicted},
	} {
		s := &step{shown: make(map[shownKey]shown)}
		asked := &answer{Entry: raw.Entry{Header: header}, cut: tt.cut}
		asked.ranges = &dexcom.Ranges{EGVs: &dexcom.Range{Start: at(2, "00:00:00"), End: tt.end}}
		s.keepRanges(asked)
		if got := s.trustIn(&answer{Entry: raw.Entry{Header: header}, cut: tt.cut}); got != tt.want {
			t.Errorf("%s: trust %d, want %d", tt.name, got, tt.want)
		}
	}
}
