package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// exportGrants seals grants into a file for another machine; they are not used
// here any more.
func (p *program) exportGrants(ctx context.Context, g *consent.Grants, o connectOptions, ids []string) error {
	for _, id := range ids {
		if _, err := g.Register.Cohort.Participant(ctx, id); err != nil {
			return err
		}
	}
	n, err := g.Moving.Export(ctx, o.export, o.recipient, ids)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s exists already; nothing was exported", o.export)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return failure(exitConsent, dexetl("status"), "there is no grant to export")
	}
	return p.report(schemas.ConnectExport(), []any{o.export, n, o.recipient},
		"%s sealed in %s, and no longer used here\non the other machine, take them over: connect --import FILE", countOf(n, "grant"), o.export)
}

// takeOver stores the grants of an exported file. To use one that left from
// here again can cost the consent, if somebody else has used it since.
func (p *program) takeOver(ctx context.Context, g *consent.Grants, file *os.File) (consent.Imported, error) {
	found, err := g.Moving.Open(ctx, file)
	if err != nil {
		return consent.Imported{}, err
	}
	if n := found.Back(); n > 0 && !p.flags.yes {
		return consent.Imported{}, advised(exitUsage,
			"if no other machine has imported this file: the same command with --yes; else export there with --recipient "+g.Key.Recipient()+" and import that file",
			"%d of these grants left from here: a grant that was used elsewhere since is lost when the old one is presented; nothing was taken", n)
	}
	return found.Take(ctx)
}

// printPublicKey prints the key for which other studies seal their grants.
func (p *program) printPublicKey(ctx context.Context, s *study.Study) error {
	key, err := s.SealingKey(ctx)
	if err != nil {
		return err
	}
	if p.flags.json {
		return p.object(schemas.PublicKey(), key.Recipient())
	}
	return p.tell("%s", key.Recipient())
}
