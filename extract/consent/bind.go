package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/dexetl/dexetl/extract/state"
)

// ErrSealsLost says that the rows were sealed once, as the audit trail or a row tells,
// and that state.db has lost the mark of it.
var ErrSealsLost = errors.New("state.db has lost the mark that its rows are sealed for their owners: it was edited, or is older than the audit trail")

// ErrSealsUnknown says that rows are to be sealed as they stand, and that nobody can tell
// whether they were sealed before: the audit trail is damaged.
var ErrSealsUnknown = errors.New("state.db does not say that its rows are sealed for their owners, and the audit trail, which would tell whether they were, is damaged")

// A studyKey is the study's sealing key as far as the store needs it.
type studyKey struct {
	Recipient string // its public half
	Keyed     state.Keyed
	// RefreshHash is the keyed hash of the refresh token in a sealed pair; false if
	// the pair cannot be opened.
	RefreshHash func(sealed []byte) (string, bool)
}

// bindKey remembers that tokens are sealed for k, unless another key was remembered
// before, and returns the recipient of the one remembered. If that is k's, rows are
// from now on held against their seals. Those that are older than seals are sealed as
// they stand, once, all together, and that is recorded; a pair that is not the one of
// its row stays unsealed. Errors: those of Sealable.
func (r *Register) bindKey(ctx context.Context, k studyKey) (string, error) {
	mark := k.mark()
	if bound, held, err := r.bound(ctx); err != nil {
		return "", err
	} else if bound != "" && (bound != k.Recipient || held == mark) {
		r.use(bound, k)
		return bound, nil
	}
	if k.Keyed != nil {
		if err := r.Sealable(ctx); err != nil {
			return "", err
		}
	}
	if err := r.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) { return r.bindIn(ctx, tx, k) }); err != nil {
		return "", err
	}
	bound, err := r.BoundKey(ctx)
	r.use(bound, k)
	return bound, err
}

// Sealable is nil if the rows are sealed, or may be, as they stand: nobody says that
// they were before, neither MaySeal nor the audit trail, which has to be whole. Where no
// row has an owner there is nothing to be exchanged. Errors: ErrSealsLost,
// ErrSealsUnknown, those of MaySeal.
func (r *Register) Sealable(ctx context.Context) error {
	if _, mark, err := r.bound(ctx); err != nil || mark != "" {
		return err
	}
	owned, err := state.One(ctx, r.Store, func(row func(...any) error) (owned bool, err error) {
		err = row(&owned)
		return owned, err
	}, `select exists (select 1 from connections) or exists (select 1 from tokens) or exists (select 1 from token_answers)
		or exists (select 1 from oauth_states) or exists (select 1 from invitations)`)
	if err == nil && owned && r.MaySeal != nil {
		err = r.MaySeal(ctx)
	}
	if err != nil {
		return err
	}
	lines, err := r.Store.Trail(ctx)
	damage, damaged := errors.AsType[*state.AuditError](err)
	switch {
	case err != nil && !damaged:
		return err
	case SealedBefore(lines):
		if _, mark, err := r.bound(ctx); err != nil || mark != "" {
			return err // another process has sealed them a moment ago
		}
		return ErrSealsLost
	case damaged && owned:
		return fmt.Errorf("%w: %v", ErrSealsUnknown, damage)
	}
	return nil
}

// mark is what is remembered of rows that are sealed with k, "" for a key that seals
// none.
func (k studyKey) mark() string {
	if k.Keyed == nil {
		return ""
	}
	return k.Keyed("mark", k.Recipient)
}

func (r *Register) use(bound string, k studyKey) {
	if bound == k.Recipient && k.Keyed != nil {
		r.Store.SealWith(k.Keyed)
	}
}

// bindIn is bindKey in a transaction. Another process may have been faster.
func (r *Register) bindIn(ctx context.Context, tx *sql.Tx, k studyKey) ([]state.Act, error) {
	act := state.Act{Subject: "key", After: state.Fields{}}
	res, err := tx.ExecContext(ctx, "insert into meta (key, value) values ('recipient', ?) on conflict do nothing", k.Recipient)
	switch err := state.Affected(res, err, errSuperseded); {
	case err == nil:
		act.After["recipient"] = k.Recipient
	case err != errSuperseded:
		return nil, err
	}
	bound, held, err := boundIn(ctx, tx)
	if err != nil {
		return nil, err
	}
	if bound == k.Recipient && k.Keyed != nil && held != k.mark() {
		if held != "" {
			return nil, ErrSealsLost
		}
		if act.After["sealed_connections"], err = r.sealAll(ctx, tx, k); err != nil {
			return nil, err
		}
	}
	if len(act.After) == 0 {
		return nil, nil
	}
	return []state.Act{act}, nil
}

// SealedBefore reports whether lines of a trail say that rows were sealed.
func SealedBefore(lines []state.AuditLine) bool {
	for _, l := range lines {
		if l.Subject == "key" && strings.Contains(l.After, `"sealed_connections":`) {
			return true
		}
	}
	return false
}

// BoundKey returns the recipient for which tokens are sealed, "" for none yet.
func (r *Register) BoundKey(ctx context.Context) (string, error) {
	bound, _, err := r.bound(ctx)
	return bound, err
}

func (r *Register) bound(ctx context.Context) (recipient, mark string, err error) {
	return boundIn(ctx, r.Store)
}

func boundIn(ctx context.Context, q state.Querier) (recipient, mark string, err error) {
	_, err = state.Collect(ctx, q, func(row func(...any) error) (struct{}, error) {
		var key, value string
		err := row(&key, &value)
		if key == "recipient" {
			recipient = value
		} else {
			mark = value
		}
		return struct{}{}, err
	}, "select key, value from meta where key in ('recipient', 'sealed')")
	return recipient, mark, err
}
