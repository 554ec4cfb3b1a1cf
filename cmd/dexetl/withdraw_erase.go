package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// erase asks, and takes all that is held of a participant out of the study.
func (p *program) erase(ctx context.Context, s *study.Study, who cohort.Participant, o withdrawOptions) error {
	if o.effective != "" || o.bringBack {
		return usage("--erase takes everything, whenever it was recorded: leave --effective and --bring-back out")
	}
	w := cohort.Withdrawal{ParticipantID: who.ID, EffectiveAt: p.now().UTC().Truncate(time.Microsecond), Who: operator()}
	before, already, err := s.Cohort.Withdrawal(ctx, who.ID)
	if err != nil {
		return err
	}
	if already {
		w.EffectiveAt = before.EffectiveAt
	}
	if w.Reason, err = p.reason(o.reason, "erasure"); err != nil {
		return err
	}
	if err := p.confirm(eraseQuestion(who.ID), who.ID, again()); err != nil {
		return err
	}
	done, err := s.Erase(ctx, w, o.lockWait)
	if err != nil {
		return err
	}
	if err := p.printErased(s, done); err != nil {
		return err
	}
	beside, err := s.Beside(ctx, who.ID)
	if len(beside) > 0 {
		p.say("%s", besideWords(who.ID, beside))
	}
	return err
}

func eraseQuestion(id string) string {
	return fmt.Sprintf("All that this study holds of %s is erased, for good: readings, events, answers as received, what the quarantine has, "+
		"every older snapshot (tagged ones are issued again without %s), links, deliveries. Only the name stays, and a receipt.", id, id)
}

// printErased tells what went, what is kept, and what is still to be done.
func (p *program) printErased(s *study.Study, r study.Receipt) error {
	if p.flags.json {
		c := r.Counts
		return p.object(schemas.Erase(), r.ParticipantID, r.ErasedAt.Format(time.RFC3339Nano), r.Path,
			map[string]any{
				"answers": c.Answers, "rows": c.Rows, "data_files": c.DataFiles, "segments": c.Segments, "snapshots": c.Snapshots,
				"reissued": c.Reissued, "quarantine": c.Quarantine, "state_rows": c.StateRows, "audit_lines": c.AuditLines,
			}, removeApp)
	}
	for _, line := range erasedLines(s, r) {
		if err := p.tell("%s", line); err != nil {
			return err
		}
	}
	return nil
}

func erasedLines(s *study.Study, r study.Receipt) []string {
	n, c := func(v int64) string { return thousands(v) }, r.Counts
	return []string{
		fmt.Sprintf("%s is erased", r.ParticipantID),
		fmt.Sprintf("raw log     answers overwritten: %s, in %s", n(c.Answers), countOf(int(c.Segments), "segment")),
		fmt.Sprintf("tables      rows that went: %s, of %s", n(c.Rows), countOf(int(c.DataFiles), "file")),
		fmt.Sprintf("snapshots   dropped: %s; tags on a snapshot that was issued again: %s", n(c.Snapshots), n(c.Reissued)),
		fmt.Sprintf("state       rows deleted: %s, sealed files: %s; audit lines of which the text went: %s", n(c.StateRows), n(c.Quarantine), n(c.AuditLines)),
		"stays       the name in the roster, among the withdrawals and in the audit trail",
		"receipt     " + inStudy(s.Dir, r.Path),
		"",
		"Still to do: copies and backups of the study, exports and reports are not reached from here. " + removeApp,
	}
}

// erasureNext is the command that goes on with an erasure.
func erasureNext(e *study.UnfinishedErasureError) step {
	return dexetl("withdraw", e.ParticipantID, "--erase")
}

// presentNext erases somebody of whom something was found.
func presentNext(e *study.PresentError) step {
	return dexetl("withdraw", e.ParticipantID, "--erase")
}
