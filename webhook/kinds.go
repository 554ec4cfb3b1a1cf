package webhook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/plain"
)

// Kinds of events that are of no resource.
const (
	ConnectionCreated = "provider.connection.created"
	ConnectionError   = "provider.connection.error"
	SnapshotCreated   = "dexetl.snapshot.created"
	GlucoseVanished   = "dexetl.data.glucose.vanished"
	Test              = "dexetl.test" // sent by hand alone
)

// Resources of which there are data, as Vital names them.
const (
	Glucose       = "glucose"
	Insulin       = "insulin_injection"
	Carbohydrates = "carbohydrates"
	Note          = "note"
	Workout       = "workout_duration"
)

// Resources are all of them.
func Resources() []string { return []string{Glucose, Insulin, Carbohydrates, Note, Workout} }

// Created is the kind of event of new samples of a resource.
func Created(resource string) string { return "daily.data." + resource + ".created" }

// Updated is the kind of event of samples of a resource that changed.
func Updated(resource string) string { return "daily.data." + resource + ".updated" }

// Historical is the kind of event that says that a participant's history is complete.
func Historical(resource string) string { return "historical.data." + resource + ".created" }

// Kinds are all that an endpoint can ask for.
func Kinds() []string {
	var all []string
	for _, r := range Resources() {
		all = append(all, Created(r), Updated(r), Historical(r))
	}
	return append(all, GlucoseVanished, ConnectionCreated, ConnectionError, SnapshotCreated)
}

// A KindError says that there is no kind of event of a name.
type KindError struct{ Name, Near string }

func (e *KindError) Error() string {
	text := fmt.Sprintf("there is no event %q", e.Name)
	if e.Near != "" {
		text += "; did you mean " + e.Near + "?"
	}
	return text
}

// checkKinds makes sure that all kinds are, and sorts them.
func checkKinds(kinds []string) ([]string, error) {
	known := Kinds()
	for _, k := range kinds {
		if !slices.Contains(known, k) {
			return nil, &KindError{k, plain.Nearest(k, known)}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(kinds))), nil
}

// Blinding says whether the study is blinded (study.blinding): it is asked each time, as
// that may change while events wait. Nil: it is not.
type Blinding func() bool

func (b Blinding) on() bool { return b != nil && b() }

// A NeverError says that an endpoint asks for events that its rights never let through.
type NeverError struct{ Kind, Lacks string } // Lacks: notes or unblinded

func (e *NeverError) Error() string {
	return fmt.Sprintf("%s would never come: the endpoint has not the right %s", e.Kind, e.Lacks)
}

// checkRights makes sure that rights let every kind through that is asked for by name.
func checkRights(r access.Rights, kinds []string, blinding bool) error {
	for _, k := range kinds {
		if lacks := lacking(r, k, blinding); lacks != "" {
			return &NeverError{k, lacks}
		}
	}
	return nil
}

// lacking is the right that is missing for events of a kind, "" for none.
func lacking(r access.Rights, kind string, blinding bool) string {
	switch {
	case isMeasured(kind) && blinding && !r.Unblinded:
		return "unblinded"
	case strings.Contains(kind, ".data."+Note+".") && !r.Notes:
		return "notes"
	}
	return ""
}

// isMeasured reports whether events of a kind are about what a blinded study hides.
func isMeasured(kind string) bool { return strings.Contains(kind, ".data.") }

// mayGet reports whether who has rights may get an event.
func mayGet(r access.Rights, e Event, blinded bool) bool {
	return lacking(r, e.Kind, blinded) == "" && (e.Participant == "" || r.Cohort == "" || r.Cohort == e.Cohort)
}
