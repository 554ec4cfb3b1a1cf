package state

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Forgotten is one thing that the audit trail says of the study and state.db does
// not: it is older than the trail, or was edited.
type Forgotten struct {
	Subject       string // participant, withdrawal, connection, window or exclusion
	ParticipantID string // "" for windows of everybody
	ConnectionID  string
	Missing       bool      // of a participant: there is none of that name
	EffectiveAt   time.Time // of a withdrawal, UTC
	Known         time.Time // of a withdrawal: since when state.db has it; zero: it has none
	Paused        bool      // of a participant: is paused by the trail
	Resumed       bool      // of a participant: is paused by state.db alone
	Edited        bool      // state.db is as new as the trail: a row of it was edited
	Words         string    // what is forgotten
}

// Forgotten lists what the lines of the trail, and those of elsewhere that it lacks,
// say of the study and state.db does not: what no roster, withdrawal or decision may be
// lost of before anybody is asked for anything. What lines that are missing could have
// changed is not in it. The most telling comes first.
func (s *Store) Forgotten(ctx context.Context, elsewhere []AuditLine) ([]Forgotten, error) {
	for {
		before, _, err := s.trailHead(ctx)
		if err != nil {
			return nil, err
		}
		found, err := s.forgotten(ctx, elsewhere)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		// What another process changed meanwhile may be in the one and not in the other.
		if now, _, err := s.trailHead(ctx); err != nil || now.seq == before.seq {
			return found, err
		}
	}
}

func (s *Store) forgotten(ctx context.Context, elsewhere []AuditLine) ([]Forgotten, error) {
	lines, err := s.Trail(ctx)
	if err != nil && !as[*AuditError](err) {
		return nil, err
	}
	head, _, err := s.trailHead(ctx)
	if err != nil {
		return nil, err
	}
	r := recall(joined(lines, elsewhere))
	if r.last < head.seq { // state.db is ahead of the file
		r.forget()
		r.gone = true
	}
	edited := len(lines) > 0 && lines[len(lines)-1].Hash == head.hash && r.last == head.seq
	var out []Forgotten
	for _, compare := range []func(context.Context, *recalled) ([]Forgotten, error){
		s.forgottenPeople, s.forgottenWithdrawals, s.forgottenEnds, s.forgottenLists,
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

func (s *Store) forgottenPeople(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	people, err := s.Participants(ctx)
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
	slices.SortStableFunc(out, func(a, b Forgotten) int { return -cmp.Compare(btoi(a.Missing), btoi(b.Missing)) })
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
		if f.Words == "" { // the first one is told
			f.Words = fmt.Sprintf("%s has %s %v, and not %v", f.ParticipantID, name, shown(trail[name]), shown(held[name]))
			f.Paused = name == "paused" && trail[name] == true
			f.Resumed = name == "paused" && trail[name] == false
		}
	}
	return f.Words != ""
}

func shown(v any) any {
	if v == nil {
		return "none"
	}
	return v
}

func (s *Store) forgottenWithdrawals(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	withdrawals, err := s.Withdrawals(ctx)
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
func (s *Store) forgottenEnds(ctx context.Context, r *recalled) (out []Forgotten, err error) {
	connections, err := s.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range connections {
		was, ok := r.connections[c.ID]
		if !ok || c.Status == Ended || string(c.Status) == was.status {
			continue
		}
		out = append(out, Forgotten{Subject: "connection", ParticipantID: c.ParticipantID, ConnectionID: c.ID,
			Words: fmt.Sprintf("%s's connection %s is %s", was.participant, c.ID, was.status)})
	}
	return out, nil
}

func (s *Store) forgottenLists(ctx context.Context, r *recalled) ([]Forgotten, error) {
	windows, err := s.Windows(ctx)
	if err != nil {
		return nil, err
	}
	exclusions, err := s.Exclusions(ctx)
	if err != nil {
		return nil, err
	}
	held := &recalled{windows: map[string]row{}, exclusions: map[string]row{}}
	for _, act := range append(windowActs(nil, windows), exclusionActs(nil, exclusions)...) {
		held.take(AuditLine{Subject: act.Subject, ParticipantID: act.ParticipantID, After: textObject(act.After)})
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
