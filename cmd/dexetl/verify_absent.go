package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// verifyAbsent looks for somebody everywhere. To find them is an error.
func (p *program) verifyAbsent(ctx context.Context, c *cli.Command, id string) error {
	if err := cohort.CheckID(id); err != nil {
		return err
	}
	return p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
		end := p.spin("looking for " + id)
		a, err := s.Absent(ctx, id)
		end()
		if as[*lake.DamageError](err) {
			return fmt.Errorf("%w: nobody can tell whether %s is in it; also when all is mended, it stays until the snapshots that have it are removed", err, id)
		}
		if err != nil {
			return err
		}
		if len(a.Found) == 0 && !a.Known { // of a slip of the pen nothing is found, either
			_, err := s.Cohort.Participant(ctx, id)
			return err
		}
		if err := p.printAbsence(a); err != nil {
			return err
		}
		if len(a.Found) > 0 {
			return &study.PresentError{Absence: a}
		}
		return nil
	})(ctx, c)
}

func (p *program) printAbsence(a study.Absence) error {
	if p.flags.json {
		found := []any{}
		for _, t := range a.Found {
			found = append(found, map[string]any{"path": t.Path, "where": t.Where, "count": t.Count})
		}
		return p.object(schemas.Absent(), a.ParticipantID, len(a.Found) == 0, a.Files, found, append([]string{}, a.Beside...))
	}
	if len(a.Beside) > 0 {
		p.say("%s", besideWords(a.ParticipantID, a.Beside))
	}
	for _, t := range a.Found {
		if err := p.tell("%s", fmt.Sprintf("%s: %s (%d)", t.Path, t.Where, t.Count)); err != nil {
			return err
		}
	}
	if len(a.Found) > 0 {
		return nil
	}
	return p.tell("%s is in none of %s of lake and state: nothing but the name is kept there", a.ParticipantID, countOf(a.Files, "file"))
}

// besideWords name files that nobody but their owners takes away.
func besideWords(id string, files []string) string {
	const most = 8
	more := ""
	if n := len(files) - most; n > 0 {
		more = fmt.Sprintf(" and %s more", thousands(int64(n)))
		files = files[:most]
	}
	return fmt.Sprintf("%s is named in files of the study folder that are neither lake nor state, and stay until you remove them: %s%s", id, strings.Join(files, ", "), more)
}
