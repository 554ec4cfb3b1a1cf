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
}

// verdict is nil when everything that was due is held, else the error that
// carries the exit code.
func (r fetchResult) verdict() error {
	var failed []string
	for _, p := range r.report.Participants {
		if p.Err != nil {
			failed = append(failed, p.ParticipantID)
		}
	}
	stopped := r.report.Outcome == extract.Interrupted || r.report.Outcome == extract.Stopped
	if harm := damageFound(r.loaded.Damaged); harm != nil && !stopped {
		return harm
	}
	if wrong := wrongClients(r.report); wrong != nil && r.report.Outcome != extract.Interrupted {
		return wrong // no later run mends that
	}
	switch r.report.Outcome {
	case extract.Partial:
		return failure(exitPartial, sameCommand, "%d of %d participants are not complete, and the same command goes on with them: %s",
			len(failed), len(r.report.Participants), shortList(failed))
	case extract.Later:
		later := &exitError{code: exitLater, next: sameCommand, err: fmt.Errorf("the API does not answer now: %w", anyError(r.report))}
		if as[*net.OpError](later) {
			later.advice = "make sure of api.base_url and the network"
		}
		return later
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

// anyError is the first participant's.
func anyError(r extract.Report) error {
	for _, p := range r.Participants {
		if p.Err != nil {
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
		parts = append(parts, fmt.Sprintf("%d answers held (see requests.held_reason)", l.Held))
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
	}{{c.Changed, "changed"}, {c.Restored, "restored"}, {c.Vanished, "vanished"}, {c.Withheld, "withheld"}, {c.Removed, "removed"}} {
		if more.n > 0 {
			text += fmt.Sprintf(" %s %s", thousands(int64(more.n)), more.what)
		}
	}
	return text
}

// remarks are what a person should look at, participant by participant. What is
// nobody's in particular is the verdict's.
func remarks(r fetchResult) []string {
	var lines, waiting []string
	var stopped *consent.RefreshStoppedError
	for _, p := range r.report.Participants {
		if errors.As(p.Err, &stopped) {
			waiting = append(waiting, p.ParticipantID)
		} else if p.Err != nil && !flagged(p, extract.FlagNoConnection) && !as[*consent.WrongClientError](p.Err) {
			lines = append(lines, fmt.Sprintf("%s: %v", p.ParticipantID, p.Err))
		}
		for _, f := range p.Flags {
			lines = append(lines, p.ParticipantID+": "+cmp.Or(f.Detail, strings.ReplaceAll(f.Kind, "_", " ")))
		}
	}
	if len(waiting) > 0 {
		lines = append(lines, fmt.Sprintf("%s: %v", shortList(waiting), stopped))
	}
	lines = append(lines, damageLines(r.loaded.Damaged)...)
	for _, w := range r.loaded.Warnings {
		lines = append(lines, describeWarning(w))
	}
	return lines
}

// describeWarning says what Dexcom sends that nobody has seen before.
func describeWarning(w transform.Warning) string {
	switch w.Value {
	case "":
		return fmt.Sprintf("unknown field %s (%d times), kept in extra", w.Field, w.Count)
	case transform.MissingID:
		return fmt.Sprintf("%d records without %s, keyed by their content", w.Count, w.Field)
	}
	return fmt.Sprintf("unknown value %q of %s (%d times), kept as sent", w.Value, w.Field, w.Count)
}

// fields are the result as JSON of schema dexetl.run/1.
func (r fetchResult) fields() map[string]any {
	people := make([]map[string]any, len(r.report.Participants))
	for i, p := range r.report.Participants {
		people[i] = map[string]any{"participant_id": p.ParticipantID, "counts": p.Counts, "flags": append([]extract.Flag{}, p.Flags...)}
		if p.Err != nil {
			people[i]["error"] = p.Err.Error()
		}
	}
	tables := make(map[string]load.Counts)
	for _, name := range slices.Sorted(maps.Keys(r.loaded.Tables)) {
		tables[name] = r.loaded.Tables[name]
	}
	return map[string]any{
		"run_id": r.run.ID, "mode": r.run.Mode, "outcome": r.report.Outcome, "counts": r.report.Counts, "token_calls": r.tokenCalls,
		"participants": people, "snapshot": r.loaded.Snapshot, "tables": tables,
		"rejected": r.loaded.Rejected, "held": r.loaded.Held, "seconds": r.took.Seconds(),
		"compacted": compactionFields(r.compacted), "damaged": damagePaths(r.loaded.Damaged),
	}
}
