package study

import (
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

// ExportKeyFile is the file of the keys of exports in the folder of the state.
const ExportKeyFile = "export-keys.json"

// verifyPapers looks at what lies beside state.db: the quarantine, receipts of erasures, and
// the keys of exports.
func (s *Study) verifyPapers(ctx context.Context, trail []state.AuditLine, note func(string, error)) error {
	if err := s.quarantine().verify(note); err != nil {
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
	if usesExportKey(trail) {
		wanted[ExportKeyFile] = true
	}
	found, err := fs.Glob(os.DirFS(s.StatePath()), "receipts/*.json")
	if err != nil {
		return err
	}
	for _, name := range append(found, ExportKeyFile) {
		if _, known := wanted[name]; !known {
			wanted[name] = false
		}
	}
	for name, needed := range wanted {
		err := s.checkPaper(name)
		if errors.Is(err, fs.ErrNotExist) {
			err = map[bool]error{true: fs.ErrNotExist}[needed]
		}
		if err != nil {
			note(name, err)
		}
	}
	return nil
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
		note(filepath.Base(s.KeyPath()), err)
	}
	return nil // what else is wrong, rows say
}

// checkPaper holds a file of the state against its checksum. Those of format 1 have none.
func (s *Study) checkPaper(name string) error {
	content, err := os.ReadFile(filepath.Join(s.StatePath(), name))
	if err != nil {
		return err
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

// usesExportKey reports whether the trail has an export for which people were renamed.
func usesExportKey(trail []state.AuditLine) bool {
	for _, line := range trail {
		var after struct{ Key int }
		if line.Subject == "export" && json.Unmarshal([]byte(line.After), &after) == nil && after.Key > 0 {
			return true
		}
	}
	return false
}
