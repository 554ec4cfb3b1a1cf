package load

import (
	"encoding/json"
	"testing"
)

// Programs read the counts of a run by these names.
func TestCountsAsJSON(t *testing.T) {
	text, err := json.Marshal(Counts{Added: 1, Changed: 2, Restored: 3, Vanished: 4, Withheld: 5, Contradicted: 6, Removed: 7})
	if want := `{"added":1,"changed":2,"restored":3,"vanished":4,"withheld":5,"contradicted":6,"removed":7}`; err != nil || string(text) != want {
		t.Errorf("Counts as JSON = %s, %v, want %s", text, err, want)
	}
}
