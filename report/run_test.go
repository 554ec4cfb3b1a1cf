//go:build linux || darwin

package report

import (
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Who and what a failure is about is said once, beside it.
func TestReasonOfFailure(t *testing.T) {
	const refused = "Dexcom refused the consent (invalid_grant)"
	for said, want := range map[string]string{
		"dataRange: access token: participant P002: " + refused: refused,
		"access token: participant P002: " + refused:            refused,
		"dataRange: 500 Internal Server Error":                  "500 Internal Server Error",
		"participant P003: no answer":                           "participant P003: no answer",
	} {
		if got := reason("P002", cohort.FetchOutcome{Resource: "dataRange", Error: said}); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}
