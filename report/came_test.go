//go:build linux || darwin

package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/report/figure"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// lackingStudy has V1, whose readings have no value, U1, whose have no local time, and N1,
// of whom there is none.
func lackingStudy() map[string][]rowOf {
	without := func(id string, columns ...string) []rowOf {
		rows := days(id, dayOne, 2, func(int, int) int { return 120 })
		for _, row := range rows {
			for _, column := range columns {
				delete(row, column)
			}
		}
		return rows
	}
	asked := func(id string) rowOf {
		return rowOf{"participant_id": id, "resource": "egvs", "asked_from": "2031-03-02 23:00:00", "asked_to": "2031-03-05 00:00:00", "asked_at": "2031-03-05 00:00:00", "records": 576}
	}
	return map[string][]rowOf{
		"participants": {
			{"participant_id": "N1", "timezone": "Europe/Berlin", "study_start": "2031-03-03", "study_end": "2031-03-04"},
			{"participant_id": "U1", "study_start": "2031-03-03", "study_end": "2031-03-04"},
			{"participant_id": "V1", "timezone": "Europe/Berlin", "study_start": "2031-03-03", "study_end": "2031-03-04"},
		},
		"glucose":  slices.Concat(without("V1", "glucose_mgdl"), without("U1", "local_time", "local_date")),
		"coverage": {asked("N1"), asked("U1"), asked("V1")},
	}
}

// Readings that count nowhere are told on every page, by what they lack.
func TestReadingsThatCountNowhere(t *testing.T) {
	o := reportOf(t, glucoseStudy(t, lackingStudy()), views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent})
	for i := range o.People {
		p := &o.People[i]
		p.Phase, p.Course = study.Active, cohort.Course{Asked: true}
		if p.Who.ID != "U1" {
			p.Who.Timezone = "Europe/Berlin"
		}
	}
	w := staged(t, o)
	w.manifest.CreatedAt = dayOne.AddDate(0, 0, 7)
	all, err := w.histories(t.Context())
	must(t, err)
	for _, p := range w.people {
		row, err := w.heatRow(p, all[p.Who.ID])
		must(t, err)
		want := map[string]figure.Day{"N1": figure.NoReading, "U1": figure.Unplaced, "V1": figure.Valueless}[p.Who.ID]
		if len(row.Days) != 2 || row.Days[1] != want {
			t.Errorf("days of %s are %v, want %q", p.Who.ID, row.Days, want.Words())
		}
	}
	const valueless, unplaced = "none of them has a value: V1.", "without local time: U1."
	completeness := written(t, w, w.writeCompleteness, completenessPath)
	holds(t, completeness, valueless, unplaced, "no reading with a value", "no reading at all")
	holds(t, written(t, w, w.writeCohort, Index), valueless, unplaced, "no reading has a value</small>", "576 without local time</small>")
	must(t, w.writeProfiles(t.Context()))
	v1 := fileOf(t, w, profilePath("V1"))
	holds(t, v1, "Readings came in these dates, and none of them has a value: 576.")
	if strings.Contains(v1, "There are no readings") || strings.Contains(v1, "The last reading") {
		t.Error("the profile of V1 says that there are none")
	}
	holds(t, fileOf(t, w, profilePath("U1")), "There are no readings with a local time in these dates", "576 readings have no local time")
	holds(t, fileOf(t, w, profilePath("N1")), "There are no readings in these dates", "No reading of this participant has ever come")
}
