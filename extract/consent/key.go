package consent

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/dexetl/dexetl/extract/state"
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

// OpenKey reads the key in path. The first time a store needs one, it is
// created (mode 0600) and the store remembers for whom tokens are sealed. From
// then on another key, or none, is ErrWrongKey. A file that others can read is
// a *KeyModeError.
func OpenKey(ctx context.Context, path string, store *state.Store) (*Key, error) {
	bound, err := store.BoundKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if bound != "" {
			return nil, fmt.Errorf("key file %s is missing; it held the key of %s: %w", path, bound, ErrWrongKey)
		}
		if err = createKey(path); err == nil {
			k, err = readKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	recipient := k.identity.Recipient().String()
	if bound, err = store.BindKey(ctx, recipient); err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	if bound != recipient {
		return nil, fmt.Errorf("key file %s holds the key of %s, the tokens need that of %s: %w", path, recipient, bound, ErrWrongKey)
	}
	return k, nil
}

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
	if st.Mode().Perm()&0o077 != 0 {
		return nil, &KeyModeError{path, st.Mode()}
	}
	ids, err := age.ParseIdentities(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	identity, ok := ids[0].(*age.X25519Identity)
	if !ok || len(ids) != 1 {
		return nil, fmt.Errorf("key file %s: not one X25519 identity", path)
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
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// seal encrypts plain for the key.
func (k *Key) seal(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.identity.Recipient())
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

// open decrypts what seal made. What was sealed for another key is ErrWrongKey.
func (k *Key) open(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), k.identity)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, ErrWrongKey
	}
	if err != nil {
		return nil, fmt.Errorf("sealed tokens are damaged: %w", err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("sealed tokens are damaged: %w", err)
	}
	return plain, nil
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
