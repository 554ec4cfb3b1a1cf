package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/transform"
)

// A fetchResult is what a job did.
type fetchResult struct {
	run    extract.Run
	report extract.Report
	loaded load.Result
	took   time.Duration

	tokenCalls int64 // requests for tokens, and to see whose an account is
	compacted  raw.Compaction
	disowned   []*consent.OwnerError // rows of the state that were gone around
	edited     *forgottenError       // so are these; nil: none
}

// verdict is nil when everything that was due is held, else the error that
// carries the exit code.
func (r fetchResult) verdict() error {
	stopped := r.report.Outcome == extract.Interrupted || r.report.Outcome == extract.Stopped
	if harm := damageFound(r.loaded.Damaged); harm != nil && !stopped {
		return harm
	}
	if harm := disownedFound(r.disowned, ", all else is done"); harm != nil && !stopped {
		return harm
	}
	if r.edited != nil && !stopped {
		return r.edited
	}
	if wrong := wrongClients(r.report); wrong != nil && r.report.Outcome != extract.Interrupted {
		return wrong // no later run mends that
	}
	if found := misread(r.loaded); found != nil && (r.report.Outcome == extract.Done || r.report.Outcome == extract.ConsentMissing) {
		return found // it is more than that
	}
	switch r.report.Outcome {
	case extract.Partial:
		if ids := onlyStrays(r.report); len(ids) > 0 {
			return failure(exitPartial, "dexetl connect "+ids[0]+" --confirm --reason TEXT", "answers came from another account than the one connected, all else is done: %s", shortList(ids))
		}
		return r.partial()
	case extract.Later:
		return r.later()
	case extract.ConsentMissing:
		if id := firstUnconnected(r.report); id != "" {
			return failure(exitConsent, "dexetl connect "+id, "consent is missing, all else is done")
		}
		if exported := firstExported(r.report); exported != nil {
			return classifyByType(exported)
		}
		return failure(exitConsent, "dexetl sync  # later", "grants are refused for now, all else is done: they are tried again for about 36 hours")
	case extract.Stopped:
		return failure(exitStopped, sameCommand, "%w; what was answered is kept, and the same command resumes", r.report.Stop)
	case extract.Interrupted:
		return failure(exitInterrupted, sameCommand, "interrupted; everything received is kept, and the same command resumes")
	}
	return nil
}

// whyHeld and whyRejected are the commands that tell why answers were held, and
// records rejected.
const (
	whyHeld     = `dexetl query "select participant_id, resource, held_reason, count(*) as answers, max(asked_at) as newest from requests where outcome = 'held' group by all"`
	whyRejected = `dexetl query "select participant_id, resource, reason, field, count(*) as records from rejects group by all"`
)

// misread is about those whose answers came, and could not be taken for what
// they should be: nil if there is nobody.
func misread(l load.Result) error {
	if len(l.OtherAccount) > 0 {
		return &exitError{exitPartial, "make sure whose account answers before anything else is asked of it", whyHeld,
			fmt.Errorf("answers of another Dexcom account came, and were not loaded: %s", shortList(slices.Sorted(maps.Keys(l.OtherAccount))))}
	}
	unread := l.Unread()
	if len(unread) == 0 {
		return nil
	}
	names := mapped(unread, func(of load.Subject) string { return of.ParticipantID + " (" + of.Resource + ")" })
	return failure(exitPartial, whyRejected, "of all records that came, none could be read: %s", shortList(names))
}

// partial tells those with whom another run goes on from those of whom all that
// is missing was refused, which no run brings.
func (r fetchResult) partial() error {
	var open, refused, strays []string
	advice := ""
	for _, p := range r.report.Participants {
		switch {
		case as[*consent.OtherAccountError](p.Err):
			strays = append(strays, p.ParticipantID)
			continue
		case p.OnlyRefused():
			refused = append(refused, p.ParticipantID)
		case p.Err != nil:
			open = append(open, p.ParticipantID)
		}
		for _, what := range refusalsOf(p) {
			if advice == "" {
				advice = cureOf(what, p.ParticipantID)
			}
		}
	}
	out := &exitError{code: exitPartial, advice: advice}
	text := fmt.Sprintf("%d of %d participants are not complete", len(open)+len(refused)+len(strays), len(r.report.Participants))
	if len(open) > 0 {
		out.next = sameCommand
		text += ", and the same command goes on with them: " + shortList(open)
	}
	if len(refused) > 0 {
		text += "; what is refused no run brings: " + shortList(refused)
	}
	if len(strays) > 0 {
		text += "; another account answered, make sure whose it is (dexetl connect " + strays[0] + " --confirm --reason TEXT): " + shortList(strays)
	}
	out.err = errors.New(text)
	return out
}

// later says why the API takes no calls now, once for all.
func (r fetchResult) later() error {
	later := &exitError{code: exitLater, next: sameCommand, err: errors.Join(r.report.Over...)}
	if len(r.report.Over) == 0 {
		later.err = fmt.Errorf("the API does not answer now: %w", anyError(r.report))
	}
	if as[*call.OutageError](later) || as[*net.OpError](later) {
		later.advice = checkNetwork
	}
	return later
}

// anyError is the first of somebody who is connected.
func anyError(r extract.Report) error {
	for _, p := range r.Participants {
		if p.Err != nil && !flagged(p, extract.FlagNoConnection) {
			return p.Err
		}
	}
	return errors.New("no call got through")
}

// firstUnconnected is who must consent, "" if nobody.
func firstUnconnected(r extract.Report) string {
	for _, p := range r.Participants {
		if flagged(p, extract.FlagNoConnection) || as[*consent.NeedsReconsentError](p.Err) {
			return p.ParticipantID
		}
	}
	return ""
}

// onlyStrays are those through whose connection another account answered; nobody
// if anything else is wrong with anybody.
func onlyStrays(r extract.Report) (ids []string) {
	for _, p := range r.Participants {
		switch {
		case p.Err == nil:
		case !as[*consent.OtherAccountError](p.Err):
			return nil
		default:
			ids = append(ids, p.ParticipantID)
		}
	}
	return ids
}

// firstExported is the error of the first whose grant another machine has.
func firstExported(r extract.Report) error {
	for _, p := range r.Participants {
		if exported, ok := errors.AsType[*consent.ExportedError](p.Err); ok {
			return exported
		}
	}
	return nil
}

// wrongClients is one error for each app that Dexcom does not accept, however
// many participants it is the app of; nil if there is none.
func wrongClients(r extract.Report) error {
	byRegion := make(map[string]error)
	for _, p := range r.Participants {
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

func flagged(p extract.ParticipantReport, kind string) bool {
	return slices.ContainsFunc(p.Flags, func(f extract.Flag) bool { return f.Kind == kind })
}

// shortList names the first few.
func shortList(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// printFetch tells what a job did: one line of sums, then only what a person
// should look at.
func (p *program) printFetch(r fetchResult) error {
	if p.flags.json {
		return writeJSON(p.stdout, "dexetl.run/1", r.fields())
	}
	p.say("%s: %s, %s calls, %s records (%s) in %.1f s", r.run.Mode, countOf(len(r.report.Participants), "participant"),
		thousands(int64(r.report.Calls)), thousands(int64(r.report.Records)), megabytes(r.report.Bytes), r.took.Seconds())
	p.say("snapshot %d: %s", r.loaded.Snapshot, describeTables(r.loaded))
	if c := r.compacted; c.Segments > 0 {
		p.say("%s", describeCompaction(c))
	}
	for _, line := range remarks(r) {
		p.say("  %s", line)
	}
	p.tellOutdated(r.loaded.Outdated)
	return nil
}

// describeTables says what happened to the rows.
func describeTables(l load.Result) string {
	var parts []string
	for _, name := range []string{"glucose", "egvs", "events", "calibrations", "alerts"} {
		if c := l.Tables[name]; c != (load.Counts{}) {
			parts = append(parts, name+" "+describeCounts(c))
		}
	}
	if l.Rejected > 0 {
		parts = append(parts, fmt.Sprintf("%d rejected (see table rejects)", l.Rejected))
	}
	if l.Held > 0 {
		parts = append(parts, countOf(l.Held, "answer")+" held (see requests.held_reason)")
	}
	if len(parts) == 0 {
		return "no row changed"
	}
	return strings.Join(parts, ", ")
}

func describeCounts(c load.Counts) string {
	text := "+" + thousands(int64(c.Added))
	for _, more := range []struct {
		n    int
		what string
	}{{c.Changed, "changed"}, {c.Restored, "restored"}, {c.Vanished, "vanished"}, {c.Withheld, "withheld"}, {c.Contradicted, "kept against an empty answer"}, {c.Removed, "removed"}} {
		if more.n > 0 {
			text += fmt.Sprintf(" %s %s", thousands(int64(more.n)), more.what)
		}
	}
	return text
}

// remarks are what a person should look at: what is the same for several
// participants is one line. What is nobody's in particular is the verdict's.
func remarks(r fetchResult) []string {
	var texts, waiting []string
	who := make(map[string][]string)
	remark := func(id, text string) {
		if who[text] == nil {
			texts = append(texts, text)
		}
		who[text] = append(who[text], id)
	}
	var stopped *consent.RefreshStoppedError
	for _, p := range r.report.Participants {
		if errors.As(p.Err, &stopped) {
			waiting = append(waiting, p.ParticipantID)
		} else if p.Err != nil && !toldElsewhere(p) {
			remark(p.ParticipantID, p.Err.Error())
		}
		for _, refused := range refusalsOf(p) {
			remark(p.ParticipantID, refusedWords(refused))
		}
		for _, f := range p.Flags {
			remark(p.ParticipantID, cmp.Or(f.Detail, strings.ReplaceAll(f.Kind, "_", " ")))
		}
	}
	lines := mapped(texts, func(text string) string { return shortList(who[text]) + ": " + text })
	if len(waiting) > 0 {
		lines = append(lines, fmt.Sprintf("%s: %v", shortList(waiting), stopped))
	}
	lines = append(lines, describeLoaded(r.loaded)...)
	lines = append(lines, damageLines(r.loaded.Damaged)...)
	for _, w := range r.loaded.Warnings {
		lines = append(lines, describeWarning(w))
	}
	if n := r.loaded.Unnamed; n > 0 {
		lines = append(lines, fmt.Sprintf("and %s times fields or values that are not named here, kept the same way", thousands(int64(n))))
	}
	return lines
}

// describeLoaded tells of answers that are not what they should be.
func describeLoaded(l load.Result) (lines []string) {
	for _, id := range slices.Sorted(maps.Keys(l.OtherAccount)) {
		lines = append(lines, fmt.Sprintf("%s: of another Dexcom account than the connection began with, and held: %s", id, countOf(l.OtherAccount[id], "answer")))
	}
	for _, of := range l.Unread() {
		n := l.Tallies[of].Records
		lines = append(lines, fmt.Sprintf("%s: %s: %d of %d records rejected (see table rejects)", of.ParticipantID, of.Resource, n, n))
	}
	if l.Nameless > 0 {
		lines = append(lines, fmt.Sprintf("%s without a userId, taken as of the account that was asked", countOf(l.Nameless, "answer")))
	}
	return lines
}

// toldElsewhere reports whether p's error is no remark of its own: it is a flag
// or a refusal too, or everybody's.
func toldElsewhere(p extract.ParticipantReport) bool {
	return flagged(p, extract.FlagNoConnection) || p.OnlyRefused() || as[*consent.WrongClientError](p.Err) ||
		as[*call.LimitError](p.Err) || as[*call.OutageError](p.Err)
}

// describeWarning says what Dexcom sends that nobody has seen before.
func describeWarning(w transform.Warning) string {
	switch w.Value {
	case "":
		return fmt.Sprintf("unknown field %s (%d times), kept in extra; as text of an event, in event_notes", w.Field, w.Count)
	case transform.MissingID:
		return fmt.Sprintf("%d records without %s, keyed by their content", w.Count, w.Field)
	}
	return fmt.Sprintf("unknown value %q of %s (%d times), kept as sent", w.Value, w.Field, w.Count)
}

// fields are the result as JSON of schema dexetl.run/1.
func (r fetchResult) fields() map[string]any {
	people := make([]map[string]any, len(r.report.Participants))
	for i, p := range r.report.Participants {
		people[i] = map[string]any{"participant_id": p.ParticipantID, "counts": p.Counts, "flags": append([]extract.Flag{}, p.Flags...),
			"refused": append([]extract.Refusal{}, p.Refused...)}
		if p.Err != nil {
			people[i]["error"] = p.Err.Error()
		}
	}
	tables := make(map[string]load.Counts)
	for _, name := range slices.Sorted(maps.Keys(r.loaded.Tables)) {
		tables[name] = r.loaded.Tables[name]
	}
	unread := []map[string]any{}
	for _, of := range r.loaded.Unread() {
		unread = append(unread, map[string]any{"participant_id": of.ParticipantID, "resource": of.Resource, "records": r.loaded.Tallies[of].Records})
	}
	return map[string]any{
		"run_id": r.run.ID, "mode": r.run.Mode, "outcome": r.report.Outcome, "counts": r.report.Counts, "token_calls": r.tokenCalls,
		"participants": people, "snapshot": r.loaded.Snapshot, "tables": tables,
		"outdated_tables": append([]string{}, r.loaded.Outdated...), "damaged": damagePaths(r.loaded.Damaged),
		"rejected": r.loaded.Rejected, "held": r.loaded.Held, "without_user": r.loaded.Nameless,
		"other_account": append([]string{}, slices.Sorted(maps.Keys(r.loaded.OtherAccount))...), "unread": unread, "seconds": r.took.Seconds(),
		"compacted": compactionFields(r.compacted),
	}
}
