package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// An ExchangedError says that state.db, whose rows carry no seals, has people's
// connections otherwise than the lake does.
type ExchangedError struct{ list []exchange }

// An exchange is one of these connections.
type exchange struct {
	id, was, is string // the connection, and whose it is by the lake and by state.db; "": the same, to another account
}

func (e *ExchangedError) Error() string {
	words := mapped(e.list, func(x exchange) string {
		if x.was == x.is {
			return fmt.Sprintf("connection %s of %s is to another Dexcom account", x.id, x.was)
		}
		return fmt.Sprintf("connection %s is %s's by the lake and %s's by state.db", x.id, x.was, x.is)
	})
	return fmt.Sprintf("state.db does not say whose data are whose as the lake does: %s; it was edited, and nothing was asked for", ShortList(words))
}

// mistrusts reports whether err says that nobody can tell whose the rows of state.db are,
// or whether it is the newest.
func mistrusts(err error) bool {
	return errors.Is(err, consent.ErrSealsLost) || errors.Is(err, consent.ErrSealsUnknown) || is[*ExchangedError](err) || is[*LostMemoryError](err)
}

// maySeal makes sure that the lake does not contradict rows that are to be sealed as
// they stand: the newest snapshot has the connections as they are, and none says that
// rows were sealed before. Each is looked at, because every command that changes the
// study takes the trail of today into the newest one.
func (s *Study) maySeal(ctx context.Context) error {
	if !s.hasLake() {
		return nil
	}
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return err
	}
	defer l.Close()
	loader := &load.Loader{Lake: l}
	m, err := l.Current()
	if err == nil {
		err = s.sameConnections(ctx, loader, m)
	}
	if err != nil {
		return unreadable(err)
	}
	snapshots, err := l.Manifests()
	if err != nil {
		return err
	}
	read := make(map[string]bool) // most snapshots share their files
	for _, n := range snapshots {
		m, err := l.Manifest(n)
		if err != nil {
			return err
		}
		files := mapped(m.TableFiles("audit"), func(f lake.File) string { return f.Path })
		if !slices.ContainsFunc(files, func(path string) bool { return !read[path] }) {
			continue
		}
		lines, err := loader.AuditLines(ctx, m)
		if err != nil {
			return unreadable(err)
		}
		if consent.SealedBefore(mapped(lines, trailLine)) {
			return fmt.Errorf("%w; snapshot %d of the lake says that they were sealed", consent.ErrSealsLost, n)
		}
		for _, path := range files {
			read[path] = true
		}
	}
	return nil
}

// sameConnections is an *ExchangedError if state.db has connections otherwise than m.
func (s *Study) sameConnections(ctx context.Context, loader *load.Loader, m lake.Manifest) error {
	held, err := s.Consents.Connections(ctx)
	if err != nil {
		return err
	}
	list, err := loader.Exchanged(ctx, load.Study{Connections: mapped(held, connectionRow)}, m)
	if err != nil || len(list) == 0 {
		return err
	}
	owner := make(map[string]string, len(held))
	for _, c := range held {
		owner[c.ID] = c.ParticipantID
	}
	return &ExchangedError{mapped(list, func(c load.Connection) exchange { return exchange{c.ID, c.ParticipantID, owner[c.ID]} })}
}

// A LostMemoryError says that the lake has lost what it remembers of the study, so that
// nobody can tell whether state.db is older than it.
type LostMemoryError struct {
	Path, Reason string
	Withdrawn    []string // who have withdrawn, as far as is known, and have not by state.db
}

func (e *LostMemoryError) Error() string {
	more := ""
	if len(e.Withdrawn) > 0 {
		more = "; they have withdrawn, and state.db does not know it: " + strings.Join(e.Withdrawn, ", ")
	}
	return fmt.Sprintf("lake file %s: %s; it would tell whether state.db is from an older backup, and nothing was asked for%s", e.Path, e.Reason, more)
}

// unreadable makes of the damage of a data file that it was to tell of the study.
func unreadable(err error, withdrawn ...string) error {
	if damage, ok := errors.AsType[*lake.DamageError](err); ok && IsDataFile(err) {
		return &LostMemoryError{damage.Path, damage.Err.Error(), withdrawn}
	}
	return err
}
