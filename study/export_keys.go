package study

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dexetl/dexetl/extract/state"
)

// ExportKeyFile is the file of the keys of exports in the folder of the state.
const ExportKeyFile = "export-keys.json"

// olderKeyFiles are files beside it, by a pattern: keys that were lost, and found in a backup
// after there was another one.
const olderKeyFiles = "export-keys.*.json"

// ExportKeyFiles are the files of keys of exports in the folder of a state, the study's own
// first, which need not be there.
func ExportKeyFiles(folder string) (names []string, err error) {
	older, err := fs.Glob(os.DirFS(folder), olderKeyFiles)
	return append([]string{ExportKeyFile}, older...), err
}

// A LostExportKeyError says that the audit trail has exports by a key that the study does not
// have. Another one would call the same people otherwise, and nobody could tell them any more.
type LostExportKeyError struct {
	Path     string
	Key, Has int  // the newest key of the trail, and that of the file; 0: it is gone
	Foreign  bool // the file has another key of this number: it is another study's
}

func (e *LostExportKeyError) Error() string {
	switch {
	case e.Foreign:
		return fmt.Sprintf("%s: its key %d is not the one by which the audit trail has exports: the file is another study's", e.Path, e.Key)
	case e.Has == 0:
		return fmt.Sprintf("%s: it is gone, and the audit trail has exports by key %d", e.Path, e.Key)
	}
	return fmt.Sprintf("%s: its newest key is %d, and the audit trail has exports by key %d", e.Path, e.Has, e.Key)
}

// ExportKeyMark tells keys apart without telling anything of them. The audit trail has it of
// the key of each export.
func ExportKeyMark(secret string) string {
	sum := sha256.Sum256([]byte("mark of a key of exports\x00" + secret))
	return hex.EncodeToString(sum[:8])
}

// An exportByKey is what a line of the audit trail says of the key of an export.
type exportByKey struct {
	Key  int    `json:"key"`
	Mark string `json:"key_mark"` // "": an older program wrote the line
}

func exportsByKey(trail []state.AuditLine) (all []exportByKey) {
	for _, line := range trail {
		var after exportByKey
		if line.Subject != "export" || json.Unmarshal([]byte(line.After), &after) != nil || after.Key == 0 {
			continue
		}
		if line.Altered {
			after.Mark = ""
		}
		all = append(all, after)
	}
	return all
}

// NewestExportKey is the number of the newest key by which people were renamed in an export
// of the trail; 0: in none.
func NewestExportKey(trail []state.AuditLine) (newest int) {
	for _, one := range exportsByKey(trail) {
		newest = max(newest, one.Key)
	}
	return newest
}

// HoldExportKeys is a *LostExportKeyError unless the keys, secrets by number, have the newest
// one by which the trail has an export, and none that is another one than that of an export.
func HoldExportKeys(folder string, keys map[int]string, trail []state.AuditLine) error {
	has, path := 0, filepath.Join(folder, ExportKeyFile)
	for n := range keys {
		has = max(has, n)
	}
	for _, one := range exportsByKey(trail) {
		if secret, ok := keys[one.Key]; ok && one.Mark != "" && one.Mark != ExportKeyMark(secret) {
			return &LostExportKeyError{Path: path, Key: one.Key, Has: has, Foreign: true}
		}
	}
	if used := NewestExportKey(trail); used > has {
		return &LostExportKeyError{Path: path, Key: used, Has: has}
	}
	return nil
}

// verifyExportKeys notes files of keys that are damaged; if none is, whether the trail has
// exports by a key that none of them has.
func (s *Study) verifyExportKeys(trail []state.AuditLine, note func(string, error)) error {
	names, err := ExportKeyFiles(s.StatePath())
	if err != nil {
		return err
	}
	keys, harmed := make(map[int]string), false
	for _, name := range names {
		err := CheckPaper(s.StatePath(), name)
		if err == nil {
			err = readExportKeys(filepath.Join(s.StatePath(), name), keys)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			note(name, err)
			harmed = true
		}
	}
	if harmed {
		return nil
	}
	if err := HoldExportKeys(s.StatePath(), keys, trail); err != nil {
		note(ExportKeyFile, err)
	}
	return nil
}

// readExportKeys adds the keys of a file, which is whole.
func readExportKeys(path string, keys map[int]string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var held struct {
		Keys []struct {
			Key    int    `json:"key"`
			Secret string `json:"secret"`
		} `json:"keys"`
	}
	err = json.Unmarshal(content, &held)
	for _, k := range held.Keys {
		keys[k.Key] = k.Secret
	}
	return err
}
