package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
)

// Keys are those of a study's API.
type Keys struct {
	Store *state.Store

	// Ended ends what a key that is revoked has made, in the same transaction. nil: it
	// has made nothing.
	Ended func(ctx context.Context, tx *sql.Tx, k Key) ([]state.Act, error)
}

// Add makes a key. Its secret is nowhere else. A name that is bad or was given before,
// in any case, is a *NameError.
func (ks Keys) Add(ctx context.Context, name string, r Rights) (Secret, Key, error) {
	if err := checkName(name); err != nil {
		return "", Key{}, err
	}
	if !slices.Contains(Scopes(), r.Scope) {
		return "", Key{}, fmt.Errorf("scope %q: neither %s nor %s", r.Scope, Read, Manage)
	}
	secret := newSecret()
	k := Key{Name: name, Shown: shown(secret), Rights: r, CreatedAt: ks.Store.Now().UTC().Truncate(time.Microsecond)}
	err := ks.Store.Change(ctx, func(tx *sql.Tx) (_ []state.Act, err error) {
		if err := ks.free(ctx, tx, name); err != nil {
			return nil, err
		}
		k.ID, err = insertKey(ctx, tx, k, hashOf(secret))
		return []state.Act{{Subject: "key", After: acted(k)}}, err
	})
	if err != nil {
		return "", Key{}, err
	}
	return secret, k, nil
}

// free makes sure that no key has a name, or had.
func (ks Keys) free(ctx context.Context, tx *sql.Tx, name string) error {
	held, err := keysIn(ctx, tx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(held, func(h heldKey) bool { return strings.EqualFold(h.Name, name) })
	switch {
	case i < 0:
		return nil
	case held[i].Works():
		return &NameError{Name: held[i].Name, Reason: NameTaken}
	}
	return &NameError{Name: held[i].Name, Reason: NameSpent}
}

// acted is k for the audit trail, which holds nothing made of a secret.
func acted(k Key) state.Fields {
	f := k.Rights.fields()
	f["name"] = k.Name
	return f
}

// List returns all keys, those that were revoked among them, oldest first.
func (ks Keys) List(ctx context.Context) ([]Key, error) {
	held, err := keysIn(ctx, ks.Store)
	keys := make([]Key, len(held))
	for i, h := range held {
		keys[i] = h.Key
	}
	return keys, err
}

// Revoke ends a key for good. A name that no key has, or one that is revoked, is a
// *NameError.
func (ks Keys) Revoke(ctx context.Context, name string) error {
	return ks.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		held, err := keysIn(ctx, tx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(held, func(h heldKey) bool { return h.Name == name })
		if i < 0 {
			return nil, &NameError{Name: name, Reason: NameUnknown, Near: plain.Nearest(name, namesOf(held))}
		}
		if !held[i].Works() {
			return nil, &NameError{Name: name, Reason: NameRevoked}
		}
		return ks.revoke(ctx, tx, held[i].Key, "")
	})
}

func (ks Keys) revoke(ctx context.Context, tx *sql.Tx, k Key, reason string) ([]state.Act, error) {
	acts := []state.Act{{Subject: "key", Before: acted(k), Reason: reason}}
	_, err := tx.ExecContext(ctx, "update api_keys set revoked_at = ? where key_id = ?", state.Micros(ks.Store.Now()), k.ID)
	if err != nil || ks.Ended == nil {
		return acts, err
	}
	more, err := ks.Ended(ctx, tx, k)
	return append(acts, more...), err
}

func namesOf(held []heldKey) []string {
	names := make([]string, len(held))
	for i, h := range held {
		names[i] = h.Name
	}
	return names
}

// Any reports whether some key works: the API is on.
func (ks Keys) Any(ctx context.Context) (bool, error) {
	held, err := keysIn(ctx, ks.Store)
	return slices.ContainsFunc(held, func(h heldKey) bool { return h.Works() }), err
}

// Check returns the key of a secret, or ErrUnknown. It is compared with every key that
// works, each in constant time, so that how long it takes tells nobody how near they are.
func (ks Keys) Check(ctx context.Context, secret string) (Key, error) {
	if !wellFormed(Secret(secret)) {
		return Key{}, ErrUnknown
	}
	held, err := keysIn(ctx, ks.Store)
	if err != nil {
		return Key{}, err
	}
	found, hash := -1, hashOf(Secret(secret))
	for i, h := range held {
		if subtle.ConstantTimeCompare(h.hash, hash) == 1 && h.Works() {
			found = i
		}
	}
	if found < 0 {
		return Key{}, ErrUnknown
	}
	return ks.used(ctx, held[found].Key), nil
}

// usedEvery is how often a key's last use is written down.
const usedEvery = time.Minute

// used notes when k was used. That is for people to see which keys nobody needs any
// more: a disk without room for it refuses nobody.
func (ks Keys) used(ctx context.Context, k Key) Key {
	now := ks.Store.Now().UTC().Truncate(time.Microsecond)
	if now.Sub(k.LastUsedAt).Abs() < usedEvery { // a clock that was ahead is corrected, too
		return k
	}
	if _, err := ks.Store.Exec(ctx, "update api_keys set last_used_at = ? where key_id = ?", state.Micros(now), k.ID); err == nil {
		k.LastUsedAt = now
	}
	return k
}

func hashOf(s Secret) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}
