package consent

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/dexetl/dexetl/extract/durable"
)

// ErrWrongKey says that the tokens were sealed for another key.
var ErrWrongKey = errors.New("wrong key: the tokens were sealed for another one")

// A KeyModeError says that others can read the key file.
type KeyModeError struct {
	Path string
	Mode fs.FileMode
}

func (e *KeyModeError) Error() string {
	return fmt.Sprintf("key file %s can be read by others (mode %#o): chmod 600 %s", e.Path, e.Mode.Perm(), e.Path)
}

// A Key seals tokens and hashes what must be compared but not kept.
type Key struct {
	identity *age.X25519Identity
	mac      []byte
}

// A lostKeyError says that there is no file with the key that tokens are sealed for: it is an
// ErrWrongKey in other words.
type lostKeyError struct{ path, bound string }

func (e *lostKeyError) Error() string {
	return fmt.Sprintf("key file %s is missing; it held the key of %s, for which the tokens are sealed", e.path, e.bound)
}

func (e *lostKeyError) Is(target error) bool { return target == ErrWrongKey }

// OpenKey reads the key in path. The first time a store needs one, it is
// created (mode 0600) and the store remembers for whom tokens are sealed. From
// then on another key, or none, is ErrWrongKey. A file that others can read is
// a *KeyModeError.
func OpenKey(ctx context.Context, path string, register *Register) (*Key, error) {
	bound, err := register.BoundKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if bound != "" {
			return nil, &lostKeyError{path, bound}
		}
		if err = createKey(path); err == nil {
			k, err = readKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return k.bind(ctx, "key file "+path, register)
}

// ReadKey reads the key from r, which messages call name. Nothing is created:
// whoever keeps the key made it. The first one that a store sees is remembered;
// another is ErrWrongKey.
func ReadKey(ctx context.Context, name string, r io.Reader, register *Register) (*Key, error) {
	k, err := parseKey(name, r)
	if err != nil {
		return nil, err
	}
	return k.bind(ctx, name, register)
}

// bind makes sure that k is the key of the store's tokens.
func (k *Key) bind(ctx context.Context, name string, register *Register) (*Key, error) {
	recipient := k.Recipient()
	bound, err := register.bindKey(ctx, studyKey{Recipient: recipient, Keyed: k.keyed, RefreshHash: k.refreshHash})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if bound != recipient {
		return nil, fmt.Errorf("%s holds the key of %s, the tokens need that of %s: %w", name, recipient, bound, ErrWrongKey)
	}
	return k, nil
}

// Recipient is the public half of the key: what others seal for it with.
func (k *Key) Recipient() string { return k.identity.Recipient().String() }

func readKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if st.IsDir() {
		return nil, fmt.Errorf("key file %s: %w", path, &durable.KindError{Folder: true})
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, &KeyModeError{path, st.Mode()}
	}
	return parseKey("key file "+path, f)
}

// A KeyFormatError says that something is not one age X25519 identity.
type KeyFormatError struct{ Name string }

func (e *KeyFormatError) Error() string {
	return e.Name + " holds no key: one line AGE-SECRET-KEY-1…, as age-keygen and dexetl write it"
}

// parseKey reads one identity. What age says of others may quote them.
func parseKey(name string, r io.Reader) (*Key, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(ids) != 1 {
		return nil, &KeyFormatError{name}
	}
	identity, ok := ids[0].(*age.X25519Identity)
	if !ok {
		return nil, &KeyFormatError{name}
	}
	return newKey(identity)
}

func newKey(identity *age.X25519Identity) (*Key, error) {
	mac, err := hkdf.Key(sha256.New, []byte(identity.String()), nil, "dexetl hash 1", 32)
	if err != nil {
		return nil, err
	}
	return &Key{identity, mac}, nil
}

// createKey makes a key file that appears whole and durable or not at all. If
// another process was faster, its file stays.
func createKey(path string) (err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = fmt.Fprintf(tmp, "# dexetl: opens the study's sealed tokens; without it everybody must consent again\n# public key: %s\n%s\n",
		identity.Recipient(), identity)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(dir)
}

// seal encrypts plain for the key, and for others beside it.
func (k *Key) seal(plain []byte, others ...age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, append(others, k.identity.Recipient())...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var errDamagedSeal = errors.New("what was sealed is damaged, or was never sealed")

// open decrypts what seal made. What was sealed for another key is ErrWrongKey.
func (k *Key) open(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), k.identity)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, ErrWrongKey
	}
	if err != nil {
		return nil, errDamagedSeal // age's own errors may quote what they read
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, errDamagedSeal
	}
	return plain, nil
}

// keyed is a keyed hash of parts, for seals of rows. No part can stand in for another.
func (k *Key) keyed(about string, parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	return k.hash("owner of "+about, b.String())
}

// refreshHash is the keyed hash of the refresh token in a sealed pair; false if it is
// damaged, or no pair.
func (k *Key) refreshHash(sealed []byte) (string, bool) {
	p, err := k.pair(sealed)
	return k.hash("refresh", p.Refresh), err == nil
}

// pair opens a sealed pair.
func (k *Key) pair(sealed []byte) (p pair, err error) {
	plain, err := k.open(sealed)
	if err != nil {
		return p, err
	}
	if json.Unmarshal(plain, &p) != nil { // whose error may quote it
		return pair{}, errDamagedSeal
	}
	return p, nil
}

// hash is a keyed hash of value that differs by purpose, in hex.
func (k *Key) hash(purpose, value string) string {
	m := hmac.New(sha256.New, k.mac)
	io.WriteString(m, purpose+"\x00"+value) // a hash takes everything
	return hex.EncodeToString(m.Sum(nil))
}

// newState returns 256 random bits as 64 hex digits.
func newState() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Seal encrypts what this key alone opens.
func (k *Key) Seal(plain []byte) ([]byte, error) { return k.seal(plain) }

// Open decrypts what Seal made. What was sealed for another key is ErrWrongKey.
func (k *Key) Open(sealed []byte) ([]byte, error) { return k.open(sealed) }
