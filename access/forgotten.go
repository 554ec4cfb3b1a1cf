package access

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/state"
)

// RevokeAgain ends keys that work by the state though the audit trail says that they were
// revoked: the state is from a backup that is older. It returns their names. It is called
// before keys are shown or anybody is let in.
func (ks Keys) RevokeAgain(ctx context.Context) (names []string, err error) {
	lines, err := ks.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return nil, err
	}
	revoked := revokedBy(lines)
	keys, err := ks.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Works() && slices.Contains(revoked, k.Name) {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return names, ks.Store.Change(ctx, func(tx *sql.Tx) (acts []state.Act, err error) {
		for _, k := range keys {
			if !slices.Contains(names, k.Name) {
				continue
			}
			more, err := ks.revoke(ctx, tx, k, "it was revoked before: state.db is older than this trail")
			if err != nil {
				return nil, err
			}
			acts = append(acts, more...)
		}
		return acts, nil
	})
}

// revokedBy are the names of the keys that a trail says were revoked.
func revokedBy(lines []state.AuditLine) (names []string) {
	for _, l := range lines {
		if l.Subject != "key" || l.Before == "" || l.After != "" {
			continue
		}
		var was struct{ Name string }
		if json.Unmarshal([]byte(l.Before), &was) == nil && was.Name != "" {
			names = append(names, was.Name)
		}
	}
	return names
}
