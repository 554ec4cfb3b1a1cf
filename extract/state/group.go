package state

import (
	"context"
	"database/sql"
	"sync"
)

// A group lets statements that are run at the same time share a transaction, and so
// what it costs to make one durable.
type group struct {
	turn sync.Mutex // held by whoever runs what waits

	mu      sync.Mutex
	waiting []*queued
}

// A queued statement is a transaction of its own, as far as whoever runs it can tell.
type queued struct {
	ctx  context.Context
	text string
	args []any

	done bool // guarded by the group's turn
	res  sql.Result
	err  error
}

// run runs q, alone or together with others that wait.
func (g *group) run(d database, q *queued) (sql.Result, error) {
	g.mu.Lock()
	g.waiting = append(g.waiting, q)
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	if q.done {
		return q.res, q.err
	}
	g.mu.Lock()
	all := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	if len(all) == 1 || d.together(all) != nil {
		for _, one := range all {
			one.res, one.err = d.alone(one)
		}
	}
	for _, one := range all {
		one.done = true
	}
	return q.res, q.err
}

// alone runs a statement in a transaction of its own.
func (d database) alone(q *queued) (res sql.Result, err error) {
	err = d.patiently(q.ctx, func() error {
		s, err := d.statement(q.ctx, q.text)
		if err == nil {
			res, err = s.ExecContext(q.ctx, q.args...)
		}
		return err
	})
	if err == nil {
		d.patience.free()
	}
	return res, err
}

// together runs statements in one transaction. Whatever goes wrong with one of them, all
// are as if they had not been run.
func (d database) together(all []*queued) error {
	ctx := context.WithoutCancel(all[0].ctx) // whoever leads does so for others too
	statements := make([]*sql.Stmt, len(all))
	for i, q := range all {
		if err := q.ctx.Err(); err != nil {
			return err
		}
		s, err := d.statement(ctx, q.text) // before the transaction, which has the only connection
		if err != nil {
			return err
		}
		statements[i] = s
	}
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit there is nothing to roll back
	for i, q := range all {
		if q.res, err = tx.StmtContext(ctx, statements[i]).ExecContext(ctx, q.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
