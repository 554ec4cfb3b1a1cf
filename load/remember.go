package load

import (
	"context"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// Remembers is nil if study, read after m was, knows every withdrawal that snapshot m
// has; else *ForgottenWithdrawalError. It needs no lock and reads no raw log: it is for
// who is about to ask for something.
func (l *Loader) Remembers(ctx context.Context, study Study, m lake.Manifest) error {
	l = l.withDefaults()
	return l.remembersWithdrawals(ctx, study, m)
}

// AuditLines returns the audit trail as snapshot m has it, in order.
func (l *Loader) AuditLines(ctx context.Context, m lake.Manifest) (lines []AuditLine, err error) {
	l = l.withDefaults()
	err = eachRow(ctx, l.Lake, m, "audit", func(t shape, b arrow.RecordBatch, row int) {
		text := func(column string) string {
			values := t.text(b, column)
			if values.IsNull(row) {
				return ""
			}
			return strings.Clone(values.Value(row))
		}
		lines = append(lines, AuditLine{
			Seq: t.longs(b, "seq").Value(row), At: t.times(b, "at").Value(row).ToTime(arrow.Microsecond),
			Who: text("who"), Command: text("command"), Subject: text("subject"), ParticipantID: text("participant_id"),
			Before: text("before"), After: text("after"), Reason: text("reason"), Hash: text("hash"),
		})
	})
	return lines, err
}
