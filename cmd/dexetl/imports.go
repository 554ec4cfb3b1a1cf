package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
)

// imported is what an import did, in words.
type imported struct {
	done    string
	removed []string // what stood there before
	erased  []string // of whom lines were left out
}

// tail is text behind what leads to it, "" for none.
func tail(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

// replaced says what an import did to a list of things.
func replaced[T any](done cohort.Replacement[T], thing string, words func(T) string) imported {
	out := imported{done: countOf(done.Rows, thing), removed: mapped(done.Removed, words), erased: done.Erased}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{done.Added, "added"}, {done.Changed, "changed"}, {len(done.Removed), "removed"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 {
		parts = []string{"unchanged"}
	}
	out.done += " (" + strings.Join(parts, ", ") + ")"
	return out
}

// removedWords say how many go, and which.
func removedWords(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("all %d: %s", len(names), study.ShortList(names))
}

func windowWords(w cohort.Window) string {
	of := w.ParticipantID
	if of == "*" {
		of = "everybody"
	}
	if w.StartDay != 0 {
		return fmt.Sprintf("%s of %s (days %d to %d)", w.Name, of, w.StartDay, w.EndDay)
	}
	return fmt.Sprintf("%s of %s (%s to %s)", w.Name, of, w.Start.Format(time.DateOnly), w.End.Format(time.DateOnly))
}

func exclusionWords(e cohort.Exclusion) string {
	layout := "2006-01-02 15:04"
	if e.From.Second() != 0 || e.To.Second() != 0 {
		layout = time.DateTime
	}
	return fmt.Sprintf("%s from %s to %s", e.ParticipantID, e.From.Format(layout), e.To.Format(layout))
}

// remarkOnWindows tells which windows do not lie within people's study dates: mostly a
// slip in the file, or in the roster.
func (p *program) remarkOnWindows(ctx context.Context, s *study.Study) error {
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	windows, err := s.Cohort.Windows(ctx)
	if err != nil {
		return err
	}
	found, err := s.WindowsOutside(windows, people)
	for _, o := range found {
		for _, remark := range []struct {
			format string
			who    []string
		}{
			{"window %s lies outside the study dates of %s: no data are fetched there", o.Wholly},
			{"window %s reaches beyond the study dates of %s: part of it has no data", o.Partly},
			{"window %s is in study days, and the roster has no anchor_date of %s: it has no dates for them", o.Undated},
		} {
			if len(remark.who) > 0 {
				p.say(remark.format, o.Window, study.ShortList(remark.who))
			}
		}
	}
	return err
}

// remarkOnExclusions is remarkOnWindows for exclusions.
func (p *program) remarkOnExclusions(ctx context.Context, s *study.Study) error {
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	exclusions, err := s.Cohort.Exclusions(ctx)
	if err != nil {
		return err
	}
	ids, err := s.ExclusionsOutside(exclusions, people)
	if len(ids) > 0 {
		p.say("an exclusion lies outside the study dates of %s: it leaves out nothing", study.ShortList(ids))
	}
	return err
}
