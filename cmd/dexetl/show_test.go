package main

import (
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
)

// Nothing says of access that has ended that it will: withdrawals end it at once.
func TestShowOfEndedAccess(t *testing.T) {
	closes := time.Date(2026, 5, 16, 5, 0, 0, 0, time.UTC)
	for status, want := range map[consent.Status]any{consent.Connected: "2026-05-16 05:00 UTC", consent.Ended: nil} {
		one := study.Person{Phase: study.Withdrawn, Course: cohort.Course{Closes: closes}, Connections: []consent.Connection{{ID: "C", Status: status}}}
		for _, row := range personTable(one, nil).Rows {
			if row[0] == "tokens_until" && row[1] != want {
				t.Errorf("tokens_until of somebody whose access is %s: %v, want %v", status, row[1], want)
			}
		}
	}
}
