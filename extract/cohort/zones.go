package cohort

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
)

// zoneNames are the IANA time zones that are part of the program and that DuckDB
// knows by the same name. What else the machine's own files have would mean
// nothing to a view, or on another machine.
//
//go:embed zones.txt
var zoneNames string

// Zones lists the time zones that a roster may name, in order.
func Zones() []string { return strings.Fields(zoneNames) }

// checkZone says what is wrong with the name of a time zone, "" for nothing.
func checkZone(name string) string {
	zones := Zones()
	if _, known := slices.BinarySearch(zones, name); known {
		return ""
	}
	for _, folder := range []string{"posix/", "right/"} {
		if bare, ok := strings.CutPrefix(name, folder); ok && slices.Contains(zones, bare) {
			return "a file of this machine, not an IANA time zone; did you mean " + bare + "?"
		}
	}
	if near := plain.Nearest(name, zones); strings.Contains(near, "/") && plain.Distance(strings.ToLower(near), strings.ToLower(name)) <= 2 {
		return "not an IANA time zone; did you mean " + near + "?"
	}
	return "not an IANA time zone such as Europe/Berlin"
}

// IsOffset reports whether a time zone is an offset from UTC, whatever people's clocks
// do, and not the time of a place.
func IsOffset(zone string) bool {
	offsets := []string{"EST", "GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "HST", "MST", "UCT", "UTC", "Universal", "Zulu"}
	return strings.HasPrefix(zone, "Etc/") || slices.Contains(offsets, zone)
}
