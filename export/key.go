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
}

func (e *KeyError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return e.Path + ": " + e.Why
}

func (e *KeyError) Unwrap() error { return e.Err }

// Keys are those of a study, oldest first; none where nobody was renamed yet.
func Keys(state string) ([]Key, error) {
	path := filepath.Join(state, KeyFile)
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
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &KeyError{Path: path, Why: "others can read it: chmod 600 it"}
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var held keyFile
	if err := json.Unmarshal(content, &held); err != nil {
		return nil, &KeyError{Path: path, Err: err}
	}
	if held.Format != 1 || lake.IsSealed(content) { // other keys would give people other names
		if err := lake.Unbroken(content); err != nil {
			return nil, &KeyError{Path: path, Err: err}
		}
	}
	return held.Keys, held.check(path)
}

func (f keyFile) check(path string) error {
	if f.Format < 1 || f.Format > keyFormat || len(f.Keys) == 0 {
		return &KeyError{Path: path, Why: fmt.Sprintf("it has no keys of format %d", keyFormat)}
	}
	for _, k := range f.Keys {
		if secret, err := hex.DecodeString(k.Secret); err != nil || len(secret) != sha256.Size {
			return &KeyError{Path: path, Why: fmt.Sprintf("key %d is not 32 bytes in hex", k.ID)}
		}
	}
	return nil
}

// A LostKeyError says that the audit trail has exports by a key that is not in the file.
// Another one would call the same people otherwise, and nobody could tell them any more.
type LostKeyError struct {
	Path     string
	Key, Has int // the newest key of the trail, and that of the file; 0: it is gone
}

func (e *LostKeyError) Error() string {
	if e.Has == 0 {
		return fmt.Sprintf("%s: it is gone, and the audit trail has exports by key %d", e.Path, e.Key)
	}
	return fmt.Sprintf("%s: its newest key is %d, and the audit trail has exports by key %d", e.Path, e.Has, e.Key)
}

// KnownKeys are those of a study, oldest first. A *LostKeyError says that the newest one by
// which the study made an export is not among them.
func KnownKeys(ctx context.Context, s *study.Study) ([]Key, error) {
	keys, err := Keys(s.StatePath())
	if err != nil {
		return nil, err
	}
	used, err := newestUsed(ctx, s)
	return keys, errors.Join(err, lost(s.StatePath(), keys, used))
}

// newestUsed is the number of the newest key of an export in the audit trail. A trail that is
// damaged counts as far as it can be read.
func newestUsed(ctx context.Context, s *study.Study) (int, error) {
	trail, err := s.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); damaged {
		err = nil
	}
	return study.NewestExportKey(trail), err
}

func lost(folder string, keys []Key, used int) error {
	if has := last(keys).ID; used > has {
		return &LostKeyError{Path: filepath.Join(folder, KeyFile), Key: used, Has: has}
	}
	return nil
}

// currentKey is the newest key, or a fresh one that is kept from now on. Neither may be older
// than the newest one that was used.
func currentKey(state string, fresh bool, used int, now time.Time) (k Key, err error) {
	dir, err := os.Open(state)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if err := durable.Lock(dir, syscall.LOCK_EX); err != nil { // else two could make the first key
		return k, err
	}
	keys, err := Keys(state)
	if err == nil && !fresh {
		err = lost(state, keys, used)
	}
	if err != nil || len(keys) > 0 && !fresh {
		return last(keys), err
	}
	secret := make([]byte, sha256.Size)
	rand.Read(secret) // never fails
	k = Key{ID: max(last(keys).ID, used) + 1, MadeAt: now.UTC().Truncate(time.Second), Secret: hex.EncodeToString(secret)}
	content, err := lake.Sealed(keyFile{keyFormat, append(keys, k)})
	if err != nil {
		return k, err
	}
	return k, errors.Join(durable.Publish(filepath.Join(state, KeyFile), content), durable.SyncFolder(state))
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
