package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
)

// A Receipt says what an erasure took out: it is what is kept of it, in the folder
// receipts of the state.
type Receipt struct {
	Format        int           `json:"format"`
	ParticipantID string        `json:"participant_id"`
	Reason        string        `json:"reason"`
	BegunAt       time.Time     `json:"begun_at"`
	ErasedAt      time.Time     `json:"erased_at"`
	Program       string        `json:"program"`
	Counts        ReceiptCounts `json:"counts"`
	Files         []ReceiptLine `json:"files"`

	Path string `json:"-"` // of its file
}

// ReceiptCounts are the sums of a receipt.
type ReceiptCounts struct {
	Answers    int64 `json:"answers"`     // in the raw log
	Rows       int64 `json:"rows"`        // of data files, those of older snapshots too
	Snapshots  int64 `json:"snapshots"`   // dropped
	Reissued   int64 `json:"reissued"`    // tags that are another manifest's now
	Quarantine int64 `json:"quarantine"`  // files
	StateRows  int64 `json:"state_rows"`  // of state.db
	AuditLines int64 `json:"audit_lines"` // of which only that there was one is left
	DataFiles  int64 `json:"data_files"`  // that had rows
	Segments   int64 `json:"segments"`    // of the raw log
}

// A ReceiptLine is one file, or one place in the state.
type ReceiptLine struct {
	Kind   string `json:"kind"`
	Path   string `json:"path"`
	Before string `json:"sha256,omitempty"`          // as it was
	What   string `json:"replaced_by,omitempty"`     // what stands in its place
	After  string `json:"replaced_sha256,omitempty"` // of that
	Items  int64  `json:"items"`                     // answers, rows, lines or files that went
}

// receiptFormat is that of receipts as they are written. Those of format 1 do not end with a
// checksum of themselves.
const receiptFormat = 2

// write writes the receipt. With it the erasure is done.
func (e *erasing) write(ctx context.Context) error {
	notes, err := e.study.Cohort.ErasureNotes(ctx, e.ParticipantID)
	if err != nil {
		return err
	}
	r := Receipt{
		Format: receiptFormat, ParticipantID: e.ParticipantID, Reason: e.Reason, BegunAt: e.BegunAt,
		ErasedAt: e.study.Now().UTC().Truncate(time.Microsecond), Program: e.study.Version, Files: []ReceiptLine{},
	}
	for _, n := range notes {
		r.Counts.add(n)
		r.Files = append(r.Files, ReceiptLine{n.Kind, n.Path, n.Before, n.What, n.After, n.Items})
	}
	content, err := lake.Sealed(r)
	if err != nil {
		return err
	}
	folder := filepath.Join(e.study.StatePath(), "receipts")
	name := receiptName(e.ParticipantID, e.BegunAt)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := durable.Publish(filepath.Join(folder, name), content); err != nil {
		return err
	}
	fault.Point("erase.receipt_written")
	if err := errors.Join(durable.SyncFolder(folder), durable.SyncFolder(e.study.StatePath())); err != nil {
		return err
	}
	if err := e.study.Cohort.EndErasure(ctx, e.ParticipantID, name); err != nil {
		return err
	}
	fault.Point("erase.ended")
	_, err = e.study.Store.Scrub(ctx)
	return err
}

const receiptTime = "20060102T150405Z"

func receiptName(participantID string, begun time.Time) string {
	return fmt.Sprintf("erased-%s-%s.json", participantID, begun.Format(receiptTime))
}

// participantOfReceipt is whose receipt a file is, by its name.
func participantOfReceipt(file string) (id string, ok bool) {
	name, ok := strings.CutPrefix(filepath.Base(file), "erased-")
	if n := len(name) - len("-"+receiptTime+".json"); ok && n > 0 {
		return name[:n], true
	}
	return "", false
}

func (c *ReceiptCounts) add(n cohort.ErasureNote) {
	switch n.Kind {
	case noteRaw:
		c.Answers += n.Items
		c.Segments++
	case noteData:
		c.Rows += n.Items
		c.DataFiles++
	case noteManifest:
		c.Snapshots++
	case noteTag:
		c.Reissued++
	case noteQuarantine:
		c.Quarantine++
	case noteState:
		if n.Path == "state: audit" {
			c.AuditLines += n.Items
		} else {
			c.StateRows += n.Items
		}
	}
}

// receipt reads one.
func (s *Study) receipt(name string) (r Receipt, err error) {
	r.Path = filepath.Join(s.StatePath(), "receipts", name)
	content, err := os.ReadFile(r.Path)
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, fmt.Errorf("receipt: %w", err)
	}
	return r, nil
}
