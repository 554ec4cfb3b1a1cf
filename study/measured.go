package study

import "slices"

// A Blind is what a blinded study (study.blinding) keeps of a table or view from those who
// are not unblinded.
type Blind struct {
	Hidden    bool     // all of it: it tells of glucose, events or alerts
	Without   []string // these columns: an arm, or how many records there are
	Resources []string // rows of other resources than these; nil: it keeps no rows
}

// BlindOf is what is kept of a table or view, of the rows of runs among them that dexetl
// runs prints. It is the one rule of API, report and export.
func BlindOf(name string) Blind {
	switch name {
	case "participants":
		return Blind{Without: []string{"arm"}}
	case "audit": // a change has the arm, a hash lets it be guessed
		return Blind{Without: []string{"before", "after", "hash"}}
	case "runs":
		return Blind{Without: []string{"answers", "records"}}
	case "requests", "coverage", "coverage_days":
		return Blind{Resources: BlindResources()}
	case "connections", "windows", "exclusions", "withdrawals", "settings", "devices", "metric_catalogue", "metric_preset":
		return Blind{}
	}
	return Blind{Hidden: true}
}

// BlindResources are those of which a blinded study shows what was asked and came: not how
// many events and alerts somebody has, nor when.
func BlindResources() []string { return []string{"egvs", "dataRange", "devices"} }

// ShownBlinded reports whether a resource is among them.
func ShownBlinded(resource string) bool { return slices.Contains(BlindResources(), resource) }

// Measured reports whether a blinded study hides all of a table or view.
func Measured(name string) bool { return BlindOf(name).Hidden }
