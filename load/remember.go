package load

import (
	"context"

	"github.com/dexetl/dexetl/load/lake"
)

// Remembers is nil if study, read after m was, knows every withdrawal that snapshot m
// has; else *ForgottenWithdrawalError. It needs no lock and reads no raw log: it is for
// who is about to ask for something. A file that cannot be read, and whose rows study
// does not prove to have, is a *lake.DamageError.
func (l *Loader) Remembers(ctx context.Context, study Study, m lake.Manifest) error {
	l = l.withDefaults()
	found, err := l.Lake.DamagedContent(m.TableFiles("withdrawals"))
	if err != nil {
		return err
	}
	m = marked(m, damageByPath(found))
	return l.remembersWithdrawals(ctx, study, m)
}

// Withdrawn returns the withdrawal of a participant that snapshot m has, if it has one.
func (l *Loader) Withdrawn(ctx context.Context, m lake.Manifest, participantID string) (w Withdrawal, ok bool, err error) {
	held, err := l.withDefaults().heldWithdrawals(ctx, Study{}, m)
	w, ok = held[participantID]
	return w, ok, err
}

// HadAudit reports whether the audit trail of snapshot m is the beginning of the
// study's, by what the manifest says: its file need not be readable.
func (l *Loader) HadAudit(study Study, m lake.Manifest) (bool, error) {
	l = l.withDefaults()
	n := m.Rows("audit")
	if n > int64(len(study.Audit)) {
		return false, nil
	}
	rows := Study{Audit: study.Audit[:n]}.table(l.Mem, "audit")
	defer rows.Release()
	return hadRows(m.TableFiles("audit"), rows)
}

// Exchanged returns the connections that study has as another participant's, or
// another account's, than snapshot m does, as m has them.
func (l *Loader) Exchanged(ctx context.Context, study Study, m lake.Manifest) (list []Connection, err error) {
	of := make(map[string]Connection, len(study.Connections))
	for _, c := range study.Connections {
		of[c.ID] = c
	}
	for r, err := range eachRow(ctx, l.Lake, "connections", m.TableFiles("connections")) {
		if err != nil {
			return nil, err
		}
		was := Connection{ID: r.str("connection_id"), ParticipantID: r.str("participant_id"), AccountHash: r.str("account_hash")}
		is, there := of[was.ID]
		if there && (is.ParticipantID != was.ParticipantID || was.AccountHash != "" && is.AccountHash != was.AccountHash) {
			list = append(list, was)
		}
	}
	return list, nil
}

// AuditLines returns the audit trail as snapshot m has it, in order.
func (l *Loader) AuditLines(ctx context.Context, m lake.Manifest) (lines []AuditLine, err error) {
	for r, err := range eachRow(ctx, l.Lake, "audit", m.TableFiles("audit")) {
		if err != nil {
			return nil, err
		}
		lines = append(lines, AuditLine{
			Seq: r.long("seq"), At: r.time("at"),
			Who: r.str("who"), Command: r.str("command"), Subject: r.str("subject"), ParticipantID: r.str("participant_id"),
			Before: r.str("before"), After: r.str("after"), Reason: r.str("reason"), Hash: r.str("hash"),
		})
	}
	return lines, nil
}
