package consent

import (
	"context"
	"errors"
	"fmt"

	"github.com/dexetl/dexetl/extract/state"
)

// Recover completes what a crash interrupted; it is called at the start of
// every command that fetches or connects. Answers that were kept are finished;
// where a refresh began and nobody knows how it ended, the stored token is
// tried once. A connection that another process refreshes at the moment is
// left to it. A refresh that fails is recorded and logged, not returned:
// errors are the store's and the key's. Answers that nobody confirmed in time are
// destroyed.
func (cn *Connecting) Recover(ctx context.Context) error {
	if _, err := cn.questions.Sweep(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	answers, err := cn.register.Answers(ctx, "")
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for _, a := range answers {
		// Needs no lease: an answer finished twice is finished once.
		if a.OldHash != "" {
			err = cn.tokens.finishRefresh(ctx, a)
		} else {
			err = cn.tokens.finishCode(ctx, a)
		}
		if as[*OwnerError](err) {
			cn.client.log().Warn("a kept token answer is not used", "participant_id", a.ParticipantID, "connection_id", a.ConnectionID, "error", err)
			continue // it stays as it is: a backup may say whose it is
		}
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
	}
	intents, err := cn.tokens.intents(ctx)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for _, id := range intents {
		if err := cn.tokens.tryAgain(ctx, id); err != nil && !refreshError(err) {
			return fmt.Errorf("recover: %w", err)
		}
	}
	return nil
}

// tryAgain refreshes a connection unless another process is at it.
func (ts *Tokens) tryAgain(ctx context.Context, id string) error {
	lease := ts.register.refreshing(id, ts.register.Store.NewID())
	ok, err := lease.TakeFree(ctx, leaseTTL)
	if err != nil || !ok {
		return err
	}
	defer ts.release(ctx, id, lease)
	_, err = ts.refresh(ctx, id, lease, "")
	return err
}

// finish uses the answers of a connection that were kept and not yet used. One that is
// not the connection's is an *OwnerError: to try the stored token then could
// revoke a grant that the right answer still holds.
func (ts *Tokens) finish(ctx context.Context, id string) error {
	answers, err := ts.register.Answers(ctx, id)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.OldHash == "" {
			continue
		}
		if err := ts.finishRefresh(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// finishRefresh completes a refresh that a crash interrupted after its answer.
func (ts *Tokens) finishRefresh(ctx context.Context, a tokenAnswer) error {
	ctx = context.WithoutCancel(ctx)
	body, err := ts.key.open(a.Sealed)
	if err != nil {
		// As if the answer had been lost on its way: the stored token is tried once.
		ts.damaged(a)
		return ts.failRefresh(ctx, refreshFailure{Answer: a, Outcome: damagedAnswer, Unreadable: true, RetryAt: ts.register.now()})
	}
	if err := ts.register.own(a); err != nil {
		return errors.Join(err, ts.register.noteOwner(ctx, a.ConnectionID))
	}
	h, err := ts.read(ctx, a.ConnectionID)
	switch {
	case as[*SealError](err) && readReply(body).Refresh != "": // they are about to be replaced
	case as[*SealError](err):
		return ts.failRefresh(ctx, refreshFailure{Answer: a, Outcome: TokensDamaged, Unreadable: true, RetryAt: ts.register.now()})
	case err != nil && !errors.Is(err, ErrNoConnection):
		return err
	}
	if err := ts.use(ctx, h, a, answered{body: body}); err != nil && (!refreshError(err) || as[*OwnerError](err)) {
		return err
	}
	return nil
}

// damagedAnswer is the outcome of a request for tokens whose answer was kept and
// cannot be opened.
const damagedAnswer = "the kept answer is damaged"

func (ts *Tokens) damaged(a tokenAnswer) {
	ts.client.log().Warn("a kept token answer is damaged", "participant_id", a.ParticipantID, "connection_id", a.ConnectionID)
}

// refreshError reports whether err is about one connection's grant and
// recorded in the store, as opposed to a fault of ours.
func refreshError(err error) bool {
	return as[*NeedsReconsentError](err) || as[*AuthSuspectError](err) || as[*ExportedError](err) || as[*TemporaryError](err) ||
		as[*WrongClientError](err) || as[*NoAppError](err) || as[*quotaError](err) || as[*RefreshStoppedError](err) ||
		as[*SealError](err) || as[*OwnerError](err) || errors.Is(err, errSuperseded) || errors.Is(err, state.ErrLeaseLost)
}
