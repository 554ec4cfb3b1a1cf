package main

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Two ends of an exclusion are never told as one.
func TestExclusionWords(t *testing.T) {
	at := time.Date(2026, 3, 16, 5, 3, 0, 0, time.UTC)
	for until, want := range map[time.Duration]string{
		time.Minute: "P001 from 2026-03-16 05:03 to 2026-03-16 05:04",
		time.Second: "P001 from 2026-03-16 05:03:00 to 2026-03-16 05:03:01",
	} {
		if got := exclusionWords(cohort.Exclusion{ParticipantID: "P001", From: at, To: at.Add(until)}); got != want {
			t.Errorf("exclusionWords of %s: %s, want %s", until, got, want)
		}
	}
}
