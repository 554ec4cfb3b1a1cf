package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/transform"
)

// fetch runs the job, prints what it did and returns what the exit code
// should say.
func (p *program) fetch(ctx context.Context, s *study.Study, job study.Job) error {
	if err := p.needsDexcom(s); err != nil {
		return err
	}
	done, err := s.Run(ctx, job)
	if err == nil {
		err = cmp.Or(p.printFetch(done), verdict(done))
	}
	// The run has ended: no page about it is no fault of the run.
	if unwritten := p.afterRun(context.WithoutCancel(ctx), s, done, err); unwritten != nil {
		p.note("no page about the run (report.dir): %v", unwritten)
	}
	return err
}

// runCode is the exit code of a run.
func runCode(done study.Result, err error) int {
	if err == nil {
		err = verdict(done)
	}
	return codeOf(err)
}

// verdict is nil when everything that was due is held, else the error that
// carries the exit code.
func verdict(r study.Result) error {
	stopped := r.Report.Outcome == extract.Interrupted || r.Report.Outcome == extract.Stopped
	if harm := damageFound(r.Loaded.Damaged); harm != nil && !stopped {
		return harm
	}
	if r.Unerased != nil && !stopped {
		return r.Unerased
	}
	if harm := disownedFound(r.Disowned, ", all else is done"); harm != nil && !stopped {
		return harm
	}
	if r.Edited != nil && !stopped {
		return r.Edited
	}
	if wrong := r.WrongClients(); wrong != nil && r.Report.Outcome != extract.Interrupted {
		return wrong // no later run mends that
	}
	if found := misread(r.Loaded); found != nil && (r.Report.Outcome == extract.Done || r.Report.Outcome == extract.ConsentMissing) {
		return found // it is more than that
	}
	switch r.Report.Outcome {
	case extract.Partial:
		if ids := r.OnlyStrays(); len(ids) > 0 {
			return failure(exitPartial, dexetl("connect", ids[0], "--confirm"), "answers came from another account than the one connected, all else is done: %s", study.ShortList(ids))
		}
		return partial(r)
	case extract.Later:
		return comeBack(r)
	case extract.ConsentMissing:
		if id := r.Unconnected(); id != "" {
			return failure(exitConsent, dexetl("connect", id), "consent is missing, all else is done")
		}
		if exported := r.Exported(); exported != nil {
			return classifyByType(exported)
		}
		return failure(exitConsent, again(), "grants are refused for now, all else is done: they are tried again for about 36 hours")
	case extract.Stopped:
		return failure(exitStopped, again(), "%w; what was answered is kept, and the same command resumes", r.Report.Stop)
	case extract.Interrupted:
		return failure(exitInterrupted, again(), "interrupted; everything received is kept, and the same command resumes")
	}
	return nil
}

// whyHeld and whyRejected are the queries that tell why answers were held, and
// records rejected.
const (
	whyHeld     = "select participant_id, resource, held_reason, count(*) as answers, max(asked_at) as newest from requests where outcome = 'held' group by all"
	whyRejected = "select participant_id, resource, reason, field, count(*) as records from rejects group by all"
)

// misread is about those whose answers came, and could not be taken for what
// they should be: nil if there is nobody.
func misread(l load.Result) error {
	if len(l.OtherAccount) > 0 {
		return &exitError{exitPartial, "make sure whose account answers before anything else is asked of it", dexetl("query", whyHeld),
			fmt.Errorf("answers of another Dexcom account came, and were not loaded: %s", study.ShortList(slices.Sorted(maps.Keys(l.OtherAccount))))}
	}
	unread := l.Unread()
	if len(unread) == 0 {
		return nil
	}
	names := mapped(unread, func(of load.Subject) string { return of.ParticipantID + " (" + of.Resource + ")" })
	return failure(exitPartial, dexetl("query", whyRejected), "of all records that came, none could be read: %s", study.ShortList(names))
}

// partial tells those with whom another run goes on from those of whom all that
// is missing was refused, which no run brings.
func partial(r study.Result) error {
	open, refused, strays := r.Incomplete()
	advice := ""
	for _, p := range r.Report.Participants {
		for _, what := range study.RefusalsOf(p) {
			advice = cmp.Or(advice, cureOf(what))
		}
	}
	out := &exitError{code: exitPartial, advice: advice}
	text := fmt.Sprintf("%d of %d participants are not complete", len(open)+len(refused)+len(strays), len(r.Report.Participants))
	if len(open) > 0 {
		out.next = again()
		text += ", and the same command goes on with them: " + study.ShortList(open)
	}
	if len(refused) > 0 {
		text += "; what is refused no run brings: " + study.ShortList(refused)
	}
	if len(strays) > 0 {
		text += "; another account answered, make sure whose it is (connect --confirm): " + study.ShortList(strays)
	}
	out.err = errors.New(text)
	return out
}

// comeBack says why the API takes no calls now, once for all.
func comeBack(r study.Result) error {
	later := &exitError{code: exitLater, next: again(), err: errors.Join(r.Report.Over...)}
	if len(r.Report.Over) == 0 {
		later.err = fmt.Errorf("the API does not answer now: %w", r.AnyError())
	}
	if as[*call.OutageError](later) || as[*net.OpError](later) {
		later.advice = checkNetwork
	}
	return later
}

// printFetch tells what a job did: one line of sums, then only what a person
// should look at.
func (p *program) printFetch(r study.Result) error {
	if p.flags.json {
		return p.object(schemas.Run(), runValues(r)...)
	}
	p.say("%s: %s, %s, %s records (%s) in %.1f s", r.Run.Mode, countOf(len(r.Report.Participants), "participant"),
		callsOf(r.Report.Calls), thousands(int64(r.Report.Records)), megabytes(r.Report.Bytes), r.Took.Seconds())
	p.say("snapshot %d: %s", r.Loaded.Snapshot, describeTables(r.Loaded))
	if freed := r.Collected.Freed; len(freed.Snapshots) > 0 {
		p.say("%s", freedWords(freed, false))
	}
	if c := r.Compacted; c.Segments > 0 {
		p.say("%s", describeCompaction(c))
	}
	for _, line := range remarks(r) {
		p.say("  %s", line)
	}
	p.tellOutdated(r.Loaded.Outdated)
	return nil
}

// describeTables says what happened to the rows.
func describeTables(l load.Result) string {
	var parts []string
	for _, name := range changedTables(l) {
		parts = append(parts, name+" "+describeCounts(l.Tables[name]))
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

// changedTables are the tables of records in which a row changed.
func changedTables(l load.Result) []string {
	return slices.DeleteFunc([]string{"glucose", "egvs", "events", "calibrations", "alerts"}, func(name string) bool {
		return l.Tables[name] == (load.Counts{})
	})
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
func remarks(r study.Result) []string {
	var texts, waiting []string
	who := make(map[string][]string)
	remark := func(id, text string) {
		if who[text] == nil {
			texts = append(texts, text)
		}
		who[text] = append(who[text], id)
	}
	var stopped *consent.RefreshStoppedError
	for _, p := range r.Report.Participants {
		if errors.As(p.Err, &stopped) {
			waiting = append(waiting, p.ParticipantID)
		} else if p.Err != nil && !toldElsewhere(p) {
			// The line begins with whom it is about.
			remark(p.ParticipantID, strings.ReplaceAll(p.Err.Error(), "participant "+p.ParticipantID+": ", ""))
		}
		for _, refused := range study.RefusalsOf(p) {
			remark(p.ParticipantID, refusedWords(refused))
		}
		for _, f := range p.Flags {
			remark(p.ParticipantID, cmp.Or(f.Detail, strings.ReplaceAll(f.Kind, "_", " ")))
		}
	}
	lines := mapped(texts, func(text string) string { return study.ShortList(who[text]) + ": " + text })
	if len(waiting) > 0 {
		lines = append(lines, fmt.Sprintf("%s: %v", study.ShortList(waiting), stopped))
	}
	lines = append(lines, describeLoaded(r.Loaded)...)
	lines = append(lines, damageLines(r.Loaded.Damaged)...)
	for _, w := range r.Loaded.Warnings {
		lines = append(lines, describeWarning(w))
	}
	if n := r.Loaded.Unnamed; n > 0 {
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
	return p.Flagged(extract.FlagNoConnection) || p.OnlyRefused() || as[*consent.WrongClientError](p.Err) ||
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

// runValues are the result as JSON.
func runValues(r study.Result) []any {
	people := make([]map[string]any, len(r.Report.Participants))
	for i, p := range r.Report.Participants {
		people[i] = map[string]any{"participant_id": p.ParticipantID, "counts": p.Counts, "flags": append([]extract.Flag{}, p.Flags...),
			"refused": append([]extract.Refusal{}, p.Refused...)}
		if p.Err != nil {
			people[i]["error"] = p.Err.Error()
		}
	}
	tables := make(map[string]load.Counts)
	for _, name := range slices.Sorted(maps.Keys(r.Loaded.Tables)) {
		tables[name] = r.Loaded.Tables[name]
	}
	unread := []map[string]any{}
	for _, of := range r.Loaded.Unread() {
		unread = append(unread, map[string]any{"participant_id": of.ParticipantID, "resource": of.Resource, "records": r.Loaded.Tallies[of].Records})
	}
	return []any{
		r.Run.ID, r.Run.Mode, r.Report.Outcome, r.Report.Counts, r.TokenCalls, people, r.Loaded.Snapshot, tables,
		append([]string{}, r.Loaded.Outdated...), damagePaths(r.Loaded.Damaged), r.Loaded.Rejected, r.Loaded.Held, r.Loaded.Nameless,
		append([]string{}, slices.Sorted(maps.Keys(r.Loaded.OtherAccount))...), unread, r.Took.Seconds(), compactionFields(r.Compacted), freedFields(r.Collected.Freed),
	}
}

func describeCompaction(c raw.Compaction) string {
	return fmt.Sprintf("raw log compacted: %s to %s; of %s answers %s only confirmed what is held and lost their bodies",
		megabytes(c.Before), megabytes(c.After), thousands(int64(c.Answers)), thousands(int64(c.Dropped)))
}

func compactionFields(c raw.Compaction) map[string]any {
	return map[string]any{
		"segments": c.Segments, "answers": c.Answers, "bodies_dropped": c.Dropped, "bytes_before": c.Before, "bytes_after": c.After,
	}
}
