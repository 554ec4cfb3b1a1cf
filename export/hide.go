//go:build linux || darwin

package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// kept are the columns of text that a de-identified export has: words of Dexcom's lists
// and of ours, and names that the study gives to groups and windows. A column that is in
// none of these lists is left out.
func kept() []string {
	return strings.Fields(`
cohort arm status region window_name window
source transmitter_generation transmitter_generation_variant display_device utc_offset_source
trend alert_name alert_state event_type event_subtype unit event_status
local_time_source glucose_source excluded resource
start_time end_time days_of_week override_mode sound_theme sound_output_mode
kind preset sentinels episode_preset gri_zone part boundary unusable_reason meter_source`)
}

// dropped are the columns that it does not have: what names records, requests, accounts
// and places, what people or programs wrote, and when this machine or Dexcom's got to know
// something, which is the same for many people and would tell by how much the times of each
// were moved.
func dropped() []string {
	return strings.Fields(`
site timezone
connection_id record_id request_id content_hash account_hash
extra value_text reason note display_app schedule_name override_end_time
first_seen_at vanished_at valid_from valid_to last_upload_date recorded_at`)
}

// sensorColumn names transmitters. It gets another value, the same one everywhere.
const sensorColumn = "transmitter_id"

// hidden is a relation as a de-identified export has it.
func (r relation) hidden() relation {
	if r.owner() == "" {
		return r
	}
	r.Columns = slices.DeleteFunc(slices.Clone(r.Columns), func(c transform.Column) bool {
		isText := c.Type.ID() == arrow.STRING
		return slices.Contains(dropped(), c.Name) || isText && !slices.Contains(append(kept(), r.owner(), sensorColumn), c.Name)
	})
	for i, c := range r.Columns {
		switch {
		case c.Name == r.owner():
			r.Columns[i].Comment = "name of the participant in de-identified exports of the study"
		case c.Name == sensorColumn:
			r.Columns[i].Comment = "of the transmitter or sensor, for this export; null when there was none"
		}
	}
	return r
}

// value is what a row has of a column, of r or of p, whose row it is.
func (c cut) value(of relation, column transform.Column) string {
	value := fmt.Sprintf("r.%q", column.Name)
	if !c.deid || of.owner() == "" {
		return value
	}
	if c.moved && isShared(of.Name, column) {
		value = fmt.Sprintf("if(%s, null, %s)", sharedRow(of.Name), value)
	}
	switch {
	case column.Name == of.owner():
		return fmt.Sprintf("p.name as %q", column.Name)
	case column.Name == sensorColumn:
		return fmt.Sprintf("s.name as %q", column.Name)
	case column.Type.ID() == arrow.DATE32:
		return fmt.Sprintf("%s - p.shift_days as %q", value, column.Name)
	case column.Type.ID() == arrow.TIMESTAMP:
		return fmt.Sprintf("%s - to_days(p.shift_days) as %q", value, column.Name)
	}
	return value
}

// isShared reports whether a column has dates that several people share. Moved, one of
// somebody and one of somebody else tell by how many weeks they differ.
func isShared(relation string, column transform.Column) bool {
	switch relation {
	case "participants":
		return slices.Contains([]string{"status_date", "study_start", "study_end"}, column.Name)
	case windowsTable, "window_metrics", "participant_metrics":
		return column.Type.ID() == arrow.DATE32
	}
	return false
}

// sharedRow says in which rows of a relation they are: of windows in those for everyone
// that have dates.
func sharedRow(relation string) string {
	name := `r."window"`
	switch relation {
	case windowsTable:
		return "r.participant_id = '" + everyone + "'"
	case "window_metrics":
		return name + " in (select " + windowName("w") + " from windows w where " + datedForAll + ") and (r.participant_id, " + name +
			") not in (select (w.participant_id, " + windowName("w") + ") from windows w)"
	}
	return "true"
}

// isThere chooses the rows that a de-identified export has: those of today, for it does
// not tell since when, and those that do not end when data were last asked for.
func (c cut) isThere(of relation) (conditions []string) {
	for _, column := range []string{"vanished_at", "valid_to"} {
		if c.deid && of.has(column) {
			conditions = append(conditions, fmt.Sprintf("r.%q is null", column))
		}
	}
	if c.deid && of.Name == "gaps" { // those without an end last until everybody was asked for last
		conditions = append(conditions, "r.kind not in ('open', 'never')")
	}
	return conditions
}
