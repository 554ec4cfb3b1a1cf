package study

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A Selection names participants: by id, by columns of the roster, as one share
// of all, or by how their last fetch went. The zero value means everybody.
type Selection struct {
	IDs    []string
	Cohort string
	Site   string
	Status string // of the roster

	Share, Shares int // the share, from 1 on, of so many; 0: all

	Failed  bool
	ByStale bool
	Stale   time.Duration // with ByStale: no fetch held everything for so long
}

// Narrows reports whether not everybody is meant.
func (s Selection) Narrows() bool {
	return len(s.IDs) > 0 || s.Cohort+s.Site+s.Status != "" || s.Shares > 0 || s.byOutcome()
}

// byOutcome reports whether it matters how fetches went. Then nobody may be
// meant, and that is good news.
func (s Selection) byOutcome() bool { return s.Failed || s.ByStale }

// A NobodyError says that a selection means nobody.
type NobodyError struct{ EmptyRoster bool }

func (e *NobodyError) Error() string {
	if e.EmptyRoster {
		return "the roster is empty"
	}
	return "nobody is selected"
}

// A NoSuchError says that nobody in the roster has a value that was asked for.
type NoSuchError struct {
	Column, Value string
	Closed        bool     // the roster may have no others than Known
	Known         []string // that somebody has, or may have
}

func (e *NoSuchError) Error() string {
	switch {
	case e.Closed:
		return fmt.Sprintf("--%s %q: one of %s", e.Column, e.Value, strings.Join(e.Known, ", "))
	case len(e.Known) == 0:
		return fmt.Sprintf("--%s %q: nobody in the roster has a %s", e.Column, e.Value, e.Column)
	}
	return fmt.Sprintf("--%s %q: the roster has %s", e.Column, e.Value, wordList(e.Known))
}

// wordList is words as people list them: A, B and C; the first of them where they are many.
func wordList(words []string) string {
	const most = 12
	if more := len(words) - most; more > 1 {
		words = append(slices.Clone(words[:most]), fmt.Sprintf("%d more", more))
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Pick returns the participants meant, in order of id. Naming somebody who is not in the
// roster is an error; so is a choice that nobody meets, a *NobodyError.
func (s Selection) Pick(ctx context.Context, of *cohort.Cohort) ([]cohort.Participant, error) {
	picked, err := s.Anybody(ctx, of)
	if err != nil || len(picked) > 0 {
		return picked, err
	}
	everybody, err := of.Participants(ctx)
	if err == nil && (len(everybody) == 0 || !s.byOutcome()) {
		err = &NobodyError{EmptyRoster: len(everybody) == 0}
	}
	return nil, err
}

// known is a *NoSuchError for a cohort or site that nobody has, or a status that there
// is not.
func (s Selection) known(everybody []cohort.Participant) error {
	for _, asked := range []struct {
		column, value string
		closed        []string
		of            func(cohort.Participant) string
	}{
		{"cohort", s.Cohort, nil, func(p cohort.Participant) string { return p.Cohort }},
		{"site", s.Site, nil, func(p cohort.Participant) string { return p.Site }},
		{"status", s.Status, cohort.Statuses(), func(p cohort.Participant) string { return p.Status }},
	} {
		known := asked.closed
		if known == nil {
			known = slices.Compact(slices.Sorted(slices.Values(mapped(everybody, asked.of))))
			known = slices.DeleteFunc(known, func(v string) bool { return v == "" })
		}
		if asked.value != "" && !slices.Contains(known, asked.value) && len(everybody) > 0 {
			return &NoSuchError{asked.column, asked.value, asked.closed != nil, known}
		}
	}
	return nil
}

// Anybody is Pick where a choice that nobody meets is an empty list.
func (s Selection) Anybody(ctx context.Context, of *cohort.Cohort) ([]cohort.Participant, error) {
	everybody, err := of.Participants(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := s.outcomes(ctx, of)
	if err != nil {
		return nil, err
	}
	return s.among(everybody, wanted)
}

// PickAsOf is Pick by the roster as the snapshot called which has it; by that of today for the
// newest ("" or latest). Of the participants it has what the selection asks for.
func (s Selection) PickAsOf(ctx context.Context, of *Study, which string) ([]cohort.Participant, error) {
	if isNewest(which) {
		return s.Pick(ctx, of.Cohort)
	}
	everybody, err := of.rosterAsOf(ctx, which)
	if err != nil {
		return nil, err
	}
	picked, err := s.among(everybody, func(string) bool { return true })
	if err == nil && len(picked) == 0 {
		err = &NobodyError{EmptyRoster: len(everybody) == 0}
	}
	return picked, err
}

// among are those of everybody, in order of id, who are meant and wanted.
func (s Selection) among(everybody []cohort.Participant, wanted func(id string) bool) (picked []cohort.Participant, err error) {
	for _, id := range s.IDs {
		if !slices.ContainsFunc(everybody, func(p cohort.Participant) bool { return p.ID == id }) {
			return nil, cohort.Unknown(id, everybody)
		}
	}
	if err := s.known(everybody); err != nil {
		return nil, err
	}
	for i, p := range everybody {
		if !s.fits(p) || s.Shares > 0 && i%s.Shares != s.Share-1 || !wanted(p.ID) {
			continue
		}
		if len(s.IDs) == 0 || slices.Contains(s.IDs, p.ID) {
			picked = append(picked, p)
		}
	}
	return picked, nil
}

// fits reports whether p is what the roster's columns are asked for.
func (s Selection) fits(p cohort.Participant) bool {
	return (s.Cohort == "" || p.Cohort == s.Cohort) && (s.Site == "" || p.Site == s.Site) && (s.Status == "" || p.Status == s.Status)
}

// outcomes returns whether a participant is meant by how their fetches went.
// Whose last fetch was interrupted counts as the one before did.
func (s Selection) outcomes(ctx context.Context, of *cohort.Cohort) (wanted func(id string) bool, err error) {
	if !s.byOutcome() {
		return func(string) bool { return true }, nil
	}
	last, err := of.FetchOutcomes(ctx)
	before := of.Store.Now().Add(-s.Stale)
	return func(id string) bool {
		return (!s.Failed || last[id].Error != "") && (!s.ByStale || !last[id].DoneAt.After(before))
	}, err
}
