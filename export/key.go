package export

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// KeyFile is the name of the file of keys in the folder of the state. Whoever has it can
// tell who is who in the exports; so it is never part of one.
const KeyFile = study.ExportKeyFile

// A Key gives people other names, and says by how many weeks their times are moved. Both
// follow from the key and the participant's id alone, so they are the same in every
// export, and nothing of them has to be kept.
type Key struct {
	ID     int       `json:"key"` // 1, 2, …
	MadeAt time.Time `json:"made_at"`
	Secret string    `json:"secret"` // 32 random bytes, in hex
}

// keyFile is what is in the file: the last key counts, older ones tell of older exports.
type keyFile struct {
	Format int   `json:"format"`
	Keys   []Key `json:"keys"`
}

// keyFormat is that of the file as it is written. One of format 1 does not end with a
// checksum of itself.
const keyFormat = 2

// A KeyError says why the keys of exports cannot be had.
type KeyError struct {
	Path, Why string
	Err       error
	Damaged   bool // the file; nobody can read what keys it has
	Open      bool // others can read it
}

func (e *KeyError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return e.Path + ": " + e.Why
}

func (e *KeyError) Unwrap() error { return e.Err }

// Keys are those of a study, oldest first; none where nobody was renamed yet. Keys that were
// lost may be in files beside the study's own.
func Keys(state string) (all []Key, err error) {
	names, err := study.ExportKeyFiles(state)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(state, name)
		keys, err := keysIn(path)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			i := slices.IndexFunc(all, func(o Key) bool { return o.ID == k.ID })
			if i < 0 {
				all = append(all, k)
			} else if all[i].Secret != k.Secret {
				return nil, &KeyError{Path: path, Why: fmt.Sprintf("it has another key %d than %s: one of the two is another study's", k.ID, KeyFile)}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Key) int { return a.ID - b.ID })
	return all, nil
}

// keysIn are those of a file, which need not be there.
func keysIn(path string) ([]Key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &KeyError{Path: path, Err: &durable.KindError{Folder: true}, Damaged: true}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &KeyError{Path: path, Why: "others can read it: chmod 600 it", Open: true}
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var held keyFile
	if err := json.Unmarshal(content, &held); err != nil {
		return nil, &KeyError{Path: path, Err: err, Damaged: true}
	}
	if held.Format != 1 || lake.IsSealed(content) { // other keys would give people other names
		if err := lake.Unbroken(content); err != nil {
			return nil, &KeyError{Path: path, Err: err, Damaged: true}
		}
	}
	return held.Keys, held.check(path)
}

func (f keyFile) check(path string) error {
	if f.Format < 1 || f.Format > keyFormat || len(f.Keys) == 0 {
		return &KeyError{Path: path, Why: fmt.Sprintf("it has no keys of format %d", keyFormat), Damaged: f.Format <= keyFormat}
	}
	for _, k := range f.Keys {
		if secret, err := hex.DecodeString(k.Secret); err != nil || len(secret) != sha256.Size {
			return &KeyError{Path: path, Why: fmt.Sprintf("key %d is not 32 bytes in hex", k.ID), Damaged: true}
		}
	}
	return nil
}

// KnownKeys are those of a study, oldest first. A *study.LostExportKeyError says that the newest one by
// which the study made an export is not among them.
func KnownKeys(ctx context.Context, s *study.Study) ([]Key, error) {
	keys, err := Keys(s.StatePath())
	if err != nil {
		return nil, err
	}
	trail, err := readable(ctx, s)
	return keys, errors.Join(err, hold(s.StatePath(), keys, trail))
}

// readable is the audit trail. One that is damaged counts as far as it can be read.
func readable(ctx context.Context, s *study.Study) ([]state.AuditLine, error) {
	trail, err := s.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); damaged {
		err = nil
	}
	return trail, err
}

// hold is study.HoldExportKeys.
func hold(folder string, keys []Key, trail []state.AuditLine) error {
	secrets := make(map[int]string, len(keys))
	for _, k := range keys {
		secrets[k.ID] = k.Secret
	}
	return study.HoldExportKeys(folder, secrets, trail)
}

// currentKey is the newest key, or a fresh one that is kept from now on. Neither may be older
// than the newest one by which the trail has an export.
func currentKey(folder string, fresh bool, trail []state.AuditLine, now time.Time) (k Key, err error) {
	dir, err := os.Open(folder)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if err := durable.Lock(dir, syscall.LOCK_EX); err != nil { // else two could make the first key
		return k, err
	}
	keys, err := Keys(folder)
	if err == nil {
		err = hold(folder, keys, trail)
	}
	if lost, ok := errors.AsType[*study.LostExportKeyError](err); ok && fresh && !lost.Foreign {
		err = nil
	}
	if err != nil || len(keys) > 0 && !fresh {
		return last(keys), err
	}
	secret := make([]byte, sha256.Size)
	rand.Read(secret) // never fails
	k = Key{ID: max(last(keys).ID, study.NewestExportKey(trail)) + 1, MadeAt: now.UTC().Truncate(time.Second), Secret: hex.EncodeToString(secret)}
	content, err := lake.Sealed(keyFile{keyFormat, append(keys, k)})
	if err != nil {
		return k, err
	}
	return k, errors.Join(durable.Publish(filepath.Join(folder, KeyFile), content), durable.SyncFolder(folder))
}

func last(keys []Key) Key {
	if len(keys) == 0 {
		return Key{}
	}
	return keys[len(keys)-1]
}

// letters are those of names: none looks like another one.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// nameLetters is how long a name is after its first letter: 45 bits.
const nameLetters = 9

// Name is what a participant is called.
func (k Key) Name(participant string) string { return "S" + k.code("participant", participant) }

// sensor is what a transmitter of a participant is called. Whoever wore it before or after
// has another name for it: who shared one is not told.
func (k Key) sensor(participant, transmitter string) string {
	return "T" + k.code("transmitter", participant+"\x00"+transmitter)
}

// group is what a group or window is called whose name tells who or when.
func (k Key) group(name string) string { return "G" + k.code("group", name) }

func (k Key) code(what, of string) string {
	sum, code := k.sum(what, of), make([]byte, nameLetters)
	for i := range code {
		code[i] = letters[sum[i]%byte(len(letters))]
	}
	return string(code)
}

// Weeks is by how many weeks the times of a participant are moved back: from 1 to most,
// or 0 if that is 0.
func (k Key) Weeks(participant string, most int) int {
	if most == 0 {
		return 0
	}
	return 1 + int(binary.BigEndian.Uint64(k.sum("weeks", participant))%uint64(most))
}

func (k Key) sum(what, of string) []byte {
	secret, _ := hex.DecodeString(k.Secret) // it was checked
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(what + "\x00" + of))
	return h.Sum(nil)
}
