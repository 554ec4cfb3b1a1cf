package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
)

// A trailHead is where the audit trail of a study ended at some time: what is kept
// elsewhere to show later whether anything before it was rewritten.
type trailHead struct {
	lines int64
	hash  string
	at    time.Time // of the last line
	study string
}

const headTime = "2006-01-02T15:04:05.000000Z"

// String is the head as one line, which parseHead reads.
func (h trailHead) String() string {
	return fmt.Sprintf("%d %s %s %s", h.lines, h.hash, h.at.UTC().Format(headTime), h.study)
}

func parseHead(text string) (h trailHead, err error) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return h, fmt.Errorf("%d words, and not the four of count, hash, time and study", len(words))
	}
	h.hash, h.study = words[1], words[3]
	if h.lines, err = strconv.ParseInt(words[0], 10, 64); err != nil || h.lines < 1 {
		return h, fmt.Errorf("%.40q is no count of lines", words[0])
	}
	if h.at, err = time.Parse(headTime, words[2]); err != nil {
		return h, fmt.Errorf("%.40q is no time of a line", words[2])
	}
	return h, nil
}

// headOf is that of lines, which are all there are.
func headOf(s *study.Study, lines []state.AuditLine) (trailHead, error) {
	if len(lines) == 0 {
		return trailHead{}, failure(exitUsage, "dexetl participants import roster.csv", "the audit trail has no line yet: there is nothing to keep")
	}
	last := lines[len(lines)-1]
	return trailHead{last.Seq, last.Hash, last.At, auditName(s)}, nil
}

// auditName is what the study is called in a head.
func auditName(s *study.Study) string { return cmp.Or(s.Config.Study.ID, "-") }

func (p *program) auditHeadCommand(result *resultFlags) *cli.Command {
	return &cli.Command{
		Name: "head", Usage: "where the trail ends, as a line to keep elsewhere: count, hash, time, study",
		Description: "Give it to audit verify --head later: it shows whether anything before it was rewritten.",
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			if err := noArguments(c); err != nil {
				return err
			}
			p.flags.json = p.flags.json || result.json
			lines, err := s.Store.Trail(ctx)
			if err != nil {
				return err
			}
			h, err := headOf(s, lines)
			if err != nil {
				return err
			}
			if p.flags.json {
				return writeJSON(p.stdout, "dexetl.audit_head/1", map[string]any{
					"lines": h.lines, "hash": h.hash, "at": h.at.UTC().Format(headTime), "study": h.study, "head": h.String()})
			}
			_, err = fmt.Fprintln(p.stdout, h)
			return err
		}),
	}
}

// checkHead holds a head that was kept elsewhere against the trail.
func checkHead(s *study.Study, text string, lines []state.AuditLine) error {
	kept, err := parseHead(text)
	if err != nil {
		return failure(exitUsage, "dexetl audit head", "--head: %w", err)
	}
	if kept.study != auditName(s) {
		return failure(exitUsage, "", "--head is of study %s, and this one is %s", kept.study, auditName(s))
	}
	there := slices.ContainsFunc(lines, func(l state.AuditLine) bool {
		return l.Seq == kept.lines && l.Hash == kept.hash && l.At.Equal(kept.at) && !l.Altered
	})
	if there {
		return nil
	}
	return advised(exitDamage, "compare with a backup of state/audit.jsonl, or with table audit of an older snapshot",
		"the audit trail did not have this end: its line %d is not the one of %s that was noted; it was rewritten or cut", kept.lines, kept.at.UTC().Format(time.RFC3339))
}
