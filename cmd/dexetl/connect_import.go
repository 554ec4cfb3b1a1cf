package main

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// importTokens takes over grants and looks at every account, some at a time.
func (p *program) importTokens(ctx context.Context, s *study.Study, path string) error {
	file, sealed, err := consent.OpenTokenFile(path)
	switch {
	case as[*consent.TokenFileModeError](err):
		return failure(exitUsage, shell("chmod", "600", path), "%w", err)
	case as[*cohort.OtherFileError](err), as[*cohort.CSVError](err):
		return otherFile(path, err)
	case err != nil:
		return usage("tokens: %w", err)
	}
	defer file.Close()
	return s.Connecting(ctx, codeOf, func(g *consent.Grants) error {
		return otherFile(path, p.takeGrants(ctx, g, file, sealed))
	})
}

func (p *program) takeGrants(ctx context.Context, g *consent.Grants, file *os.File, sealed bool) (err error) {
	var imported consent.Imported
	if sealed {
		imported, err = p.takeOver(ctx, g, file)
	} else {
		imported, err = g.Moving.Import(ctx, file)
	}
	if err != nil {
		return err
	}
	unverified, err := g.Accounts.Unverified(ctx) // also those of an earlier import
	if err != nil {
		return err
	}
	failures := g.Accounts.VerifyAll(ctx, unverified)
	connected, aside := len(unverified)-len(failures), 0
	for _, err := range failures {
		switch {
		case as[*consent.WrongClientError](err), as[*call.ClockError](err), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO):
			return err // of all of them, and nobody's fault but the configuration's, the clock's or the disk's
		case as[*consent.AccountInUseError](err), as[*consent.OtherAccountError](err):
			aside++
		}
		p.say("  %v", err)
	}
	connected += imported.Back
	unchecked := len(failures) - aside
	p.report(schemas.ConnectImport(), []any{connected, unchecked, aside, imported.Known},
		"%d connected, %d not checked, %d were imported before\nnext: %s", connected, unchecked, imported.Known, p.commandLine("backfill"))
	if edited := disownedFound(study.OwnerErrors(errors.Join(failures...)), ""); edited != nil {
		return edited
	}
	switch {
	case aside > 0:
		return failure(exitPartial, dexetl("participants", "list", "--needs"), "%d of %d grants lead to another account than expected and are set aside", aside, len(unverified))
	case unchecked > 0:
		return failure(exitPartial, again(),
			"%d of %d grants are kept, but their accounts could not be looked at: import the same file again, what is kept is not asked for twice", unchecked, len(unverified))
	}
	return nil
}
