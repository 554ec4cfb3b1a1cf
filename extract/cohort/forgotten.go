package cohort

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Forgotten is one thing that the audit trail says of the study and state.db does
// not: it is older than the trail, or was edited.
type Forgotten struct {
	Subject       string // participant, erasure, withdrawal, connection, window or exclusion
	ParticipantID string // "" for windows of everybody
	ConnectionID  string
	Missing       bool      // of a participant: there is none of that name
	Removed       bool      // of a participant: there is none by the trail
	EffectiveAt   time.Time // of a withdrawal, UTC
	Known         time.Time // of a withdrawal: since when state.db has it; zero: it has none
	Paused        bool      // of a participant: is paused by the trail
	Resumed       bool      // of a participant: is paused by state.db alone
	Deleted       bool      // of a participant: was deleted over the API by the trail
	Edited        bool      // state.db is as new as the trail: a row of it was edited
	Words         string    // what is forgotten
}

// A Grant is what state.db has of a connection: whose it is, and its status.
type Grant struct{ ConnectionID, ParticipantID, Status string }

// Forgotten lists what the lines of the trail, and those of elsewhere that it lacks,
// say of the study and state.db does not: what no roster, withdrawal or decision may be
// lost of before anybody is asked for anything. What lines that are missing could have
// changed is not in it. The most telling comes first. Grants are the connections.
func (c *Cohort) Forgotten(ctx context.Context, elsewhere []state.AuditLine, grants func(context.Context) ([]Grant, error)) ([]Forgotten, error) {
	for {
		before, _, err := c.Store.Head(ctx)
		if err != nil {
			return nil, err
		}
		held, err := grants(ctx)
		if err != nil {
			return nil, err
		}
		found, err := c.forgotten(ctx, elsewhere, held)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		// What another process changed meanwhile may be in the one and not in the other.
		if now, _, err := c.Store.Head(ctx); err != nil || now == before {
			return found, err
		}
	}
}

func (c *Cohort) forgotten(ctx context.Context, elsewhere []state.AuditLine, grants []Grant) ([]Forgotten, error) {
	lines, err := c.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return nil, err
	}
	seq, hash, err := c.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	r := recall(joined(lines, elsewhere))
	if r.last < seq { // state.db is ahead of the file
		r.forget()
		r.gone = true
	}
	edited := len(lines) > 0 && lines[len(lines)-1].Hash == hash && r.last == seq
	var out []Forgotten
	ends := func(context.Context, *recalled) ([]Forgotten, error) { return forgottenEnds(r, grants), nil }
	for _, compare := range []func(context.Context, *recalled) ([]Forgotten, error){
		c.forgottenPeople, c.forgottenErasures, c.forgottenWithdrawals, ends, c.forgottenLists,
	} {
		found, err := compare(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	for i := range out {
		out[i].Edited = edited
	}
	return out, nil
}

func (c *Cohort) forgottenPeople(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	people, err := c.Participants(ctx)
	if err != nil {
		return nil, err
	}
	held := make(map[string]Participant, len(people))
	for _, p := range people {
		held[p.ID] = p
	}
	for _, id := range slices.Sorted(maps.Keys(r.participants)) {
		p, there := held[id]
		if !there {
			out = append(out, Forgotten{Subject: "participant", ParticipantID: id, Missing: true, Words: id + " is in the roster"})
			continue
		}
		if f := (Forgotten{Subject: "participant", ParticipantID: id}); f.differs(r.participants[id], asRead(p.fields()), r.whole[id]) {
			out = append(out, f)
		}
	}
	for _, p := range people {
		if r.removed[p.ID] {
			out = append(out, Forgotten{Subject: "participant", ParticipantID: p.ID, Removed: true, Words: p.ID + " was removed from the roster"})
		}
	}
	slices.SortStableFunc(out, func(a, b Forgotten) int {
		return cmp.Or(-cmp.Compare(btoi(a.Missing), btoi(b.Missing)), -cmp.Compare(btoi(a.Deleted), btoi(b.Deleted)))
	})
	return out, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// differs says how the trail has somebody's fields otherwise than state.db. What the
// trail does not have is none, where it is whole.
func (f *Forgotten) differs(trail, held map[string]any, whole bool) bool {
	names := map[string]any{}
	maps.Copy(names, trail)
	if whole {
		maps.Copy(names, held)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if trail[name] == held[name] {
			continue
		}
		if name == "deleted_at" && held[name] == nil {
			f.Deleted = true
		}
		if f.Words == "" { // the first one is told
			f.Words = fmt.Sprintf("%s has %s %v, and not %v", f.ParticipantID, name, shown(trail[name]), shown(held[name]))
			f.Paused = name == "paused" && trail[name] == true
			f.Resumed = name == "paused" && trail[name] == false
		}
	}
	if f.Deleted {
		f.Words = fmt.Sprintf("%s was deleted at %v", f.ParticipantID, trail["deleted_at"])
	}
	return f.Words != ""
}

func shown(v any) any {
	if v == nil {
		return "none"
	}
	return v
}

// forgottenErasures are those of people of whom state.db may have more than a name again.
func (c *Cohort) forgottenErasures(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	erasures, err := c.Erasures(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(r.erased)) {
		if !slices.ContainsFunc(erasures, func(e Erasure) bool { return e.ParticipantID == id }) {
			out = append(out, Forgotten{Subject: state.ErasureSubject, ParticipantID: id, Words: id + " was erased"})
		}
	}
	return out, nil
}

func (c *Cohort) forgottenWithdrawals(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	withdrawals, err := c.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	held := make(map[string]time.Time, len(withdrawals))
	for _, w := range withdrawals {
		held[w.ParticipantID] = w.EffectiveAt
	}
	for _, id := range slices.Sorted(maps.Keys(r.withdrawn)) {
		at, said := held[id], r.withdrawn[id]
		if at.Equal(said) || at.Truncate(time.Second).Equal(said) || r.gone && !at.IsZero() {
			continue // lines of older programs have whole seconds
		}
		out = append(out, Forgotten{Subject: "withdrawal", ParticipantID: id, EffectiveAt: said.UTC(), Known: at,
			Words: fmt.Sprintf("%s has withdrawn from %s", id, said.UTC().Format(time.RFC3339))})
	}
	return out, nil
}

// forgottenEnds are connections whose grant is used no more by the trail, and is by
// state.db.
func forgottenEnds(r *recalled, grants []Grant) (out []Forgotten) {
	for _, g := range grants {
		was, ok := r.connections[g.ConnectionID]
		if !ok || g.Status == statusEnded || g.Status == was.status {
			continue
		}
		out = append(out, Forgotten{Subject: "connection", ParticipantID: g.ParticipantID, ConnectionID: g.ConnectionID,
			Words: fmt.Sprintf("%s's connection %s is %s", was.participant, g.ConnectionID, was.status)})
	}
	return out
}

func (c *Cohort) forgottenLists(ctx context.Context, r *recalled) ([]Forgotten, error) {
	ofWindows, err := c.Windows(ctx)
	if err != nil {
		return nil, err
	}
	ofExclusions, err := c.Exclusions(ctx)
	if err != nil {
		return nil, err
	}
	held := &recalled{windows: map[string]row{}, exclusions: map[string]row{}}
	for _, act := range append(windows().acts(nil, ofWindows), exclusions().acts(nil, ofExclusions)...) {
		held.take(state.AuditLine{Subject: act.Subject, ParticipantID: act.ParticipantID, After: textObject(act.After)})
	}
	return append(missingRows("window", r.windows, held.windows), missingRows("exclusion", r.exclusions, held.exclusions)...), nil
}

// missingRows are those that one side has otherwise than the other, or not.
func missingRows(subject string, trail, held map[string]row) (out []Forgotten) {
	for _, key := range slices.Sorted(maps.Keys(trail)) {
		is, was := held[key], trail[key]
		if maps.Equal(is.fields, was.fields) {
			continue
		}
		words := fmt.Sprintf("the %s %s", subject, key)
		if was.fields == nil {
			words += " was taken out"
		}
		out = append(out, Forgotten{Subject: subject, ParticipantID: was.participant, Words: words})
	}
	return out
}
