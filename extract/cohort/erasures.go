package cohort

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// An ErasureStage is what of an erasure is to be done next. Each stage can be repeated.
type ErasureStage string

// The stages in their order.
const (
	EraseLog     ErasureStage = "log"
	EraseState   ErasureStage = "state"
	EraseLake    ErasureStage = "lake"
	EraseHistory ErasureStage = "history"
	EraseTraces  ErasureStage = "traces"
	EraseReceipt ErasureStage = "receipt"
	Erased       ErasureStage = "done"
)

// An Erasure takes all that is held of somebody who has withdrawn, but their name.
type Erasure struct {
	ParticipantID   string
	Stage           ErasureStage
	BegunAt, DoneAt time.Time // UTC; zero DoneAt: it goes on
	Reason          string    // until it is done
	Receipt         string    // its file, once it is written
}

// An ErasureNote is a line of the receipt: what became of one file, or how many rows
// went out of one place.
type ErasureNote struct {
	Kind, Path    string
	Before, After string // SHA-256
	What          string // what took its place
	Items         int64
}

// BeginErasure records that somebody is to be erased, or that one who was is to be again:
// from now on every run that loads goes on with it. The line of the audit trail has no
// reason: that is for the receipt alone.
func (c *Cohort) BeginErasure(ctx context.Context, participant, reason string) error {
	return c.Store.Change(state.Unreasoned(ctx, c.Store), func(tx *sql.Tx) ([]state.Act, error) {
		if err := StandingIn(ctx, tx, participant); err == nil {
			return nil, fmt.Errorf("erasure of %s: they have not withdrawn", participant)
		} else if _, withdrawn := errors.AsType[*WithdrawnError](err); !withdrawn {
			return nil, err
		}
		was, err := erasureIn(ctx, tx, participant)
		if err != nil || was.Stage != "" && was.Stage != Erased {
			return nil, err // it goes on where it was
		}
		_, err = tx.ExecContext(ctx, `insert into erasures (participant_id, stage, begun_at, reason, receipt) values (?1, ?3, ?2, ?4, '')
			on conflict do update set stage = ?3, begun_at = `+begunAgain+`, done_at = null, reason = ?4, receipt = ''`,
			participant, state.Micros(c.now()), EraseLog, reason)
		return []state.Act{erasureAct(participant, state.Fields{"stage": "begun"})}, err
	})
}

func erasureAct(participant string, after state.Fields) state.Act {
	return state.Act{Subject: state.ErasureSubject, ParticipantID: participant, After: after}
}

// Erasures lists the erasures, those that are done too, in order of participant.
func (c *Cohort) Erasures(ctx context.Context) ([]Erasure, error) {
	return state.Collect(ctx, c.Store, scanErasure, selectErasures+" order by participant_id")
}

// Erasure returns that of a participant; a zero Stage: there is none.
func (c *Cohort) Erasure(ctx context.Context, participant string) (Erasure, error) {
	return erasureIn(ctx, c.Store, participant)
}

const selectErasures = "select participant_id, stage, begun_at, done_at, reason, receipt from erasures"

func erasureIn(ctx context.Context, q state.Querier, participant string) (Erasure, error) {
	e, err := state.One(ctx, q, scanErasure, selectErasures+" where participant_id = ?", participant)
	if errors.Is(err, sql.ErrNoRows) {
		return Erasure{}, nil
	}
	return e, err
}

func scanErasure(row func(...any) error) (e Erasure, err error) {
	err = row(&e.ParticipantID, &e.Stage, state.Instant(&e.BegunAt), state.Instant(&e.DoneAt), &e.Reason, &e.Receipt)
	return e, err
}

// NextErasure says that a stage of an erasure is done, and which comes next. It reports
// false, and changes nothing, if the erasure is not at that stage any more: it began anew.
func (c *Cohort) NextErasure(ctx context.Context, participant string, done, next ErasureStage) (bool, error) {
	r, err := c.Store.Exec(ctx, "update erasures set stage = ? where participant_id = ? and stage = ?", next, participant, done)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// RepeatErasure makes an erasure begin anew, because there is something of the participant
// again. One that was done has its receipt, and gets another one; see begunAgain.
func (c *Cohort) RepeatErasure(ctx context.Context, participant string) error {
	_, err := c.Store.Exec(ctx, `update erasures set begun_at = iif(stage = ?3, `+begunAgain+`, begun_at), stage = ?4, done_at = null, receipt = ''
		where participant_id = ?1`, participant, state.Micros(c.now()), Erased, EraseLog)
	return err
}

// begunAgain is when an erasure that was done begins again at ?2: in a later second than
// before, which is in the name of its receipt.
const begunAgain = "max(begun_at + 1000000, ?2)"

// NoteErasure adds a line to the receipt, or corrects it.
func (c *Cohort) NoteErasure(ctx context.Context, participant string, notes ...ErasureNote) error {
	return c.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, n := range notes {
			_, err := tx.ExecContext(ctx, `insert into erasure_notes (participant_id, kind, path, before, after, what, items) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
				on conflict do update set after = ?5, what = ?6, items = max(items, ?7)`,
				participant, n.Kind, n.Path, n.Before, n.After, n.What, n.Items)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ErasureNotes are the lines of the receipt so far.
func (c *Cohort) ErasureNotes(ctx context.Context, participant string) ([]ErasureNote, error) {
	return state.Collect(ctx, c.Store, func(row func(...any) error) (n ErasureNote, err error) {
		err = row(&n.Kind, &n.Path, &n.Before, &n.After, &n.What, &n.Items)
		return n, err
	}, "select kind, path, before, after, what, items from erasure_notes where participant_id = ? order by kind, path", participant)
}

// EndErasure says that somebody is erased and where the receipt is, which has all that
// was noted; the reason is in it alone.
func (c *Cohort) EndErasure(ctx context.Context, participant, receipt string) error {
	return c.Store.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "delete from erasure_notes where participant_id = ?", participant); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "update erasures set stage = ?, done_at = ?, reason = '', receipt = ? where participant_id = ?",
			Erased, state.Micros(c.now()), receipt, participant)
		if err != nil {
			return err
		}
		return state.MarkScrub(ctx, tx)
	})
}

// EraseRows leaves of a line of the roster the name and that they have withdrawn, when
// the erasure began, and of the lists nothing. The audit trail is told nothing: it would
// have what was there. It returns how many rows went, by table.
func EraseRows(ctx context.Context, tx *sql.Tx, participant string) (gone map[string]int64, err error) {
	gone = map[string]int64{}
	e, err := erasureIn(ctx, tx, participant)
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"windows", "exclusions", "fetch_outcomes", "fetch_refusals", "deletions", "refreshes", "withdrawals"} {
		if gone[table], err = DeleteOf(ctx, tx, table, participant); err != nil {
			return nil, err
		}
	}
	for _, claim := range claimsOf([]string{participant}) {
		if _, err := tx.ExecContext(ctx, "delete from leases where name = ?", claim); err != nil {
			return nil, err
		}
	}
	at := state.Micros(e.BegunAt)
	_, err = tx.ExecContext(ctx, "insert into withdrawals (participant_id, effective_at, recorded_at, reason, who) values (?, ?, ?, '', '')", participant, at, at)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `update participants set site = '', cohort = '', arm = '', status = 'withdrawn', status_date = '', consent_date = '',
		anchor_date = '', study_start = '', study_end = '', timezone = '', region = '', paused = 0 where participant_id = ?`, participant)
	return gone, err
}

// DeleteOf deletes the rows of a participant and returns how many they were.
func DeleteOf(ctx context.Context, tx *sql.Tx, table, participant string) (int64, error) {
	r, err := tx.ExecContext(ctx, "delete from "+table+" where participant_id = ?", participant)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// leaveOutErased takes the lines about people who were erased out of a file: what it says
// of them is not the study's any more. It returns whose they were.
func (s *sheet) leaveOutErased(ctx context.Context, q state.Querier) (left []string, err error) {
	erased, err := state.Collect(ctx, q, state.ScanText, "select participant_id from erasures")
	if err != nil {
		return nil, err
	}
	s.rows = slices.DeleteFunc(s.rows, func(r sheetRow) bool {
		id := r.cells["participant_id"]
		gone := slices.Contains(erased, id)
		if gone && !slices.Contains(left, id) {
			left = append(left, id)
		}
		return gone
	})
	return left, nil
}
