package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// fakeAccounts expects every connection's answers to be of the user "u".
type fakeAccounts struct {
	mu     sync.Mutex
	aside  map[string]bool
	others []string // connections to the account of any other one
}

func (f *fakeAccounts) Others(context.Context, string) ([]string, error) { return f.others, nil }

func (f *fakeAccounts) Same(_ context.Context, _, _, userID string) (bool, error) {
	return userID == "" || userID == "u", nil
}

func (f *fakeAccounts) SetAside(_ context.Context, connection string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.aside == nil {
		f.aside = map[string]bool{}
	}
	f.aside[connection] = true
	return &consent.OtherAccountError{ParticipantID: connection, ConnectionID: "aside"}
}

// One answer of another account, whichever it is, is kept and ends the participant;
// what was asked for counts as never answered. Others go on.
func TestAnswerOfAnotherAccount(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Backfill, plan.Sync, plan.Refresh} {
		if Raced && mode != plan.Backfill {
			continue // the mode says what is asked for, not what goes on at once
		}
		for _, resource := range []dexcom.Resource{dexcom.DataRange, dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices} {
			if mode == plan.Refresh && resource == dexcom.Devices {
				continue // not asked for then
			}
			for _, empty := range []bool{false, true} {
				t.Run(fmt.Sprint(mode, " ", resource, " empty ", empty), func(t *testing.T) {
					in2026(t, func(t *testing.T) { answerOfAnother(t, mode, resource, empty) })
				})
			}
		}
	}
}

func answerOfAnother(t *testing.T, mode plan.Mode, resource dexcom.Resource, empty bool) {
	api := newFake(t)
	for _, who := range []string{"P1", "P2"} {
		year(api, who)
		api.add(who, dexcom.Calibrations, time.Now().Truncate(time.Second).Add(-50*day), time.Now().Add(-20*day), 13*time.Hour)
	}
	strays, until := 0, 0
	api.fault = func(token string, r dexcom.Request, _ int) (dexcom.Answer, error, bool) {
		if token != "P1" || r.Resource != resource || strays > 0 {
			return dexcom.Answer{}, nil, true
		}
		strays++
		until = len(of(api.order, "P1"))
		a, err := api.answer(token, r)
		a.UserID = "somebody else"
		switch {
		case resource == dexcom.DataRange, resource == dexcom.Devices:
		case empty:
			a.Body, a.Records = []byte(`{"records":[]}`), 0
		default:
			a.Body, a.Records = []byte(`{"records":["another's"]}`), 1
		}
		return a, err, false
	}
	f := newFetcher(t, api, t.TempDir())
	accounts := &fakeAccounts{}
	f.Accounts, f.Concurrency = accounts, 2 // one call of a participant at a time
	report := mustRun(t, f, mode, target("P1"), target("P2"))
	p1, p2 := report.Participants[0], report.Participants[1]
	if !call.Is[*consent.OtherAccountError](p1.Err) || !p1.Ended || p2.Err != nil || report.Outcome != Partial {
		t.Errorf("P1 %v (ended %t), P2 %v, outcome %s; want that P1 has another account, P2 is done, and partial", p1.Err, p1.Ended, p2.Err, report.Outcome)
	}
	if n := len(of(api.order, "P1")); n != until {
		t.Errorf("%d requests for P1, want none after the %dth", n, until)
	}
	if len(accounts.aside) != 1 || !accounts.aside["P1"] {
		t.Errorf("set aside: %v, want P1", accounts.aside)
	}
	kept := 0
	for e, err := range f.Log.Entries(raw.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Beat == plan.BeatStray {
			kept++
			if e.ParticipantID != "P1" || e.Resource != string(resource) {
				t.Errorf("%s %s is in the log as of another account", e.ParticipantID, e.Resource)
			}
		}
	}
	if kept != 1 || strays != 1 {
		t.Errorf("%d of %d answers of another account are in the log, want 1", kept, strays)
	}
	// Once it is settled, everything is asked for that nobody answered.
	time.Sleep(time.Hour)
	if again := mustRun(t, f, plan.Backfill, target("P1"), target("P2")); again.Outcome != Done {
		t.Errorf("backfill afterwards: %s", again.Outcome)
	}
	for _, r := range []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations} {
		p1, p2 := heldRecords(t, f.Log, "P1", r), heldRecords(t, f.Log, "P2", r)
		p1 = slices.DeleteFunc(p1, func(id string) bool { return id == "another's" })
		if len(p1) == 0 || !slices.Equal(p1, p2) {
			t.Errorf("%s: %d records of P1 are held in the end, want %d", r, len(p1), len(p2))
		}
	}
}

// of returns a person's requests.
func of(requests []string, token string) (theirs []string) {
	for _, name := range requests {
		if strings.HasPrefix(name, token+" ") {
			theirs = append(theirs, name)
		}
	}
	return theirs
}

// What is wrong with the clock on first use of a grant is wrong for everybody.
func TestClockOnFirstUse(t *testing.T) {
	in2026(t, func(t *testing.T) {
		api := newFake(t)
		f := newFetcher(t, api, t.TempDir())
		f.Tokens = fakeTokens{token: func(string) (string, error) {
			return "", fmt.Errorf("unchecked: %w", &call.ClockError{Ours: time.Now(), Server: time.Now().Add(48 * time.Hour)})
		}}
		_, err := f.Run(t.Context(), Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, []Target{target("P1"), target("P2")})
		var clock *call.ClockError
		if !errors.As(err, &clock) || len(api.order) != 0 {
			t.Errorf("Run = %v after %d calls, want *ClockError and none", err, len(api.order))
		}
	})
}
