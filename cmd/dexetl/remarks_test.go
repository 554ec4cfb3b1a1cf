package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
)

// An outage is told once, with its cause, however many people it keeps waiting.
func TestOutageIsOneRemark(t *testing.T) {
	stopped := &consent.RefreshStoppedError{Last: errors.New("connection refused")}
	r := study.Result{Report: extract.Report{Participants: []extract.ParticipantReport{
		{ParticipantID: "P001", Err: fmt.Errorf("participant P001: %w", stopped)},
		{ParticipantID: "P002", Err: errors.New("502 Bad Gateway")},
		{ParticipantID: "P003", Err: fmt.Errorf("participant P003: %w", stopped)},
	}}}
	got := remarks(r)
	if len(got) != 2 || got[0] != "P002: 502 Bad Gateway" || !strings.HasPrefix(got[1], "P001, P003: ") || !strings.Contains(got[1], "connection refused") {
		t.Errorf("remarks = %q, want P002's and one for the outage", got)
	}
}
