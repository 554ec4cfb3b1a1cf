package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// CheckPapers looks at what lies beside state.db, by the lines of the audit trail: the
// sealing key where it is a file, the quarantine, receipts of erasures, and the keys of
// exports. Of what is damaged or gone it notes the path, from the state's folder where it
// lies in there.
func (s *Study) CheckPapers(ctx context.Context, trail []state.AuditLine, note func(path string, err error)) error {
	return errors.Join(s.verifyKey(ctx, note), s.verifyPapers(ctx, trail, note))
}

func (s *Study) verifyPapers(ctx context.Context, trail []state.AuditLine, note func(string, error)) error {
	if err := s.quarantine().verify(ctx, note); err != nil {
		return err
	}
	wanted := make(map[string]bool)
	erasures, err := s.Cohort.Erasures(ctx)
	if err != nil {
		return err
	}
	for _, e := range erasures {
		if e.Receipt != "" {
			wanted[path.Join("receipts", e.Receipt)] = true
		}
	}
	found, err := fs.Glob(os.DirFS(s.StatePath()), "receipts/*.json")
	if err != nil {
		return err
	}
	for _, name := range found {
		if _, known := wanted[name]; !known {
			wanted[name] = false
		}
	}
	for name, needed := range wanted {
		err := CheckPaper(s.StatePath(), name)
		if errors.Is(err, fs.ErrNotExist) {
			err = map[bool]error{true: fs.ErrNotExist}[needed]
		}
		if err != nil {
			note(name, err)
		}
	}
	return s.verifyExportKeys(trail, note)
}

// verifyKey looks whether the key that tokens are sealed for is in its file. A key that comes
// from elsewhere is not the study's to keep.
func (s *Study) verifyKey(ctx context.Context, note func(string, error)) error {
	bound, err := s.Consents.BoundKey(ctx)
	if _, ok, _ := s.credential(keyCredential); err != nil || bound == "" || ok || s.Config.State.KeyCommand != "" {
		return err
	}
	_, err = consent.OpenKey(ctx, s.KeyPath(), s.Consents)
	if errors.Is(err, consent.ErrWrongKey) || is[*consent.KeyFormatError](err) {
		path := s.KeyPath()
		if below, e := filepath.Rel(s.StatePath(), path); e == nil && filepath.IsLocal(below) {
			path = below
		}
		note(path, err)
	}
	return nil // what else is wrong, rows say
}

// CheckPaper holds a file in the folder of a state, a receipt or the keys of exports, against
// its checksum. Those of format 1 have none.
func CheckPaper(folder, name string) error {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return cmp.Or(misplacedAt(filepath.Join(folder, name)), err)
	}
	var head struct {
		Format        int    `json:"format"`
		ParticipantID string `json:"participant_id"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return err
	}
	if head.Format == 1 && !lake.IsSealed(content) {
		return nil
	}
	if err := lake.Unbroken(content); err != nil {
		return err
	}
	if named, ok := participantOfReceipt(name); ok && named != head.ParticipantID {
		return errors.New("it is the receipt of another one")
	}
	return nil
}
