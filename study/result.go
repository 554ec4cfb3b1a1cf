package study

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
)

// A Result is what a job did.
type Result struct {
	Run       extract.Run
	Report    extract.Report
	Loaded    load.Result
	Took      time.Duration
	Compacted raw.Compaction
	Collected Collection

	TokenCalls int64                 // requests for tokens, and to see whose an account is
	Disowned   []*consent.OwnerError // rows of the state that were gone around
	Edited     *ForgottenError       // so are these; nil: none
	Unerased   error                 // why erasures are not done, as far as it is damage; nil: they are
}

// AnyError is the first of somebody who is connected.
func (r Result) AnyError() error {
	for _, p := range r.Report.Participants {
		if p.Err != nil && !p.Flagged(extract.FlagNoConnection) {
			return p.Err
		}
	}
	return errors.New("no call got through")
}

// Unconnected is who must consent, "" if nobody.
func (r Result) Unconnected() string {
	for _, p := range r.Report.Participants {
		if p.Flagged(extract.FlagNoConnection) || is[*consent.NeedsReconsentError](p.Err) {
			return p.ParticipantID
		}
	}
	return ""
}

// OnlyStrays are those through whose connection another account answered; nobody
// if anything else is wrong with anybody.
func (r Result) OnlyStrays() (ids []string) {
	for _, p := range r.Report.Participants {
		switch {
		case p.Err == nil:
		case !is[*consent.OtherAccountError](p.Err):
			return nil
		default:
			ids = append(ids, p.ParticipantID)
		}
	}
	return ids
}

// Exported is the error of the first whose grant another machine has.
func (r Result) Exported() error {
	for _, p := range r.Report.Participants {
		if exported, ok := errors.AsType[*consent.ExportedError](p.Err); ok {
			return exported
		}
	}
	return nil
}

// WrongClients is one error for each app that Dexcom does not accept, however
// many participants it is the app of; nil if there is none.
func (r Result) WrongClients() error {
	byRegion := make(map[string]error)
	for _, p := range r.Report.Participants {
		if wrong, ok := errors.AsType[*consent.WrongClientError](p.Err); ok {
			byRegion[wrong.Region] = wrong
		}
	}
	var all []error
	for _, region := range slices.Sorted(maps.Keys(byRegion)) {
		all = append(all, byRegion[region])
	}
	return errors.Join(all...)
}

// Incomplete are those with whom another run goes on, those of whom all that is missing
// was refused, which no run brings, and those through whose connection another account
// answered.
func (r Result) Incomplete() (open, refused, strays []string) {
	for _, p := range r.Report.Participants {
		switch {
		case is[*consent.OtherAccountError](p.Err):
			strays = append(strays, p.ParticipantID)
		case p.OnlyRefused():
			refused = append(refused, p.ParticipantID)
		case p.Err != nil:
			open = append(open, p.ParticipantID)
		}
	}
	return open, refused, strays
}
