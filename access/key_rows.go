package access

import (
	"context"
	"database/sql"

	"github.com/dexetl/dexetl/extract/state"
)

// A heldKey is a row of api_keys.
type heldKey struct {
	Key
	hash []byte
}

func insertKey(ctx context.Context, tx *sql.Tx, k Key, hash []byte) (id int64, err error) {
	r, err := tx.ExecContext(ctx, `insert into api_keys (name, hash, shown, scope, notes, unblinded, cohort, created_at)
		values (?, ?, ?, ?, ?, ?, ?, ?)`,
		k.Name, hash, k.Shown, string(k.Rights.Scope), k.Rights.Notes, k.Rights.Unblinded, k.Rights.Cohort, state.Micros(k.CreatedAt))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func keysIn(ctx context.Context, q state.Querier) ([]heldKey, error) {
	return state.Collect(ctx, q, func(row func(...any) error) (k heldKey, err error) {
		err = row(&k.ID, &k.Name, &k.hash, &k.Shown, &k.Rights.Scope, &k.Rights.Notes, &k.Rights.Unblinded, &k.Rights.Cohort,
			state.Instant(&k.CreatedAt), state.Instant(&k.LastUsedAt), state.Instant(&k.RevokedAt))
		return k, err
	}, `select key_id, name, hash, shown, scope, notes, unblinded, cohort, created_at, last_used_at, revoked_at
		from api_keys order by key_id`)
}
