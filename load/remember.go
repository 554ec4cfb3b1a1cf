package load

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
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
		lines = append(lines, r.auditLine())
	}
	return lines, nil
}

func (r row) auditLine() AuditLine {
	return AuditLine{
		Seq: r.long("seq"), At: r.time("at"),
		Who: r.str("who"), Command: r.str("command"), Subject: r.str("subject"), ParticipantID: r.str("participant_id"),
		Before: r.str("before"), After: r.str("after"), Reason: r.str("reason"), Hash: r.str("hash"),
	}
}

// AuditOnDisk returns all lines of the audit trail that data files have, whether or not a
// manifest names these, each once and in order: where the newest manifest is damaged or gone,
// its file may have lines that nothing else has. What cannot be read is passed over.
func (l *Loader) AuditOnDisk(ctx context.Context) (lines []AuditLine, err error) {
	const table = "audit"
	t, _ := transform.TableNamed(table)
	paths, err := l.Lake.DataFiles(table)
	for _, at := range paths {
		f, err := l.Lake.Beside(table, at)
		if err != nil {
			continue
		}
		read := func(f lake.File) iter.Seq2[arrow.RecordBatch, error] {
			return l.Lake.ReadBeside(ctx, t, f, lake.ReadOptions{})
		}
		for r, err := range rowsBy(table, []lake.File{f}, read) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				break
			}
			lines = append(lines, r.auditLine())
		}
	}
	slices.SortStableFunc(lines, func(a, b AuditLine) int { return cmp.Compare(a.Seq, b.Seq) })
	seen := make(map[string]bool)
	return slices.DeleteFunc(lines, func(l AuditLine) bool {
		was := seen[l.Hash]
		seen[l.Hash] = true
		return was
	}), err
}
