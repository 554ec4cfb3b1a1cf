package study

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study/config"
)

// secretTimeout is how long a command may take that prints a secret: a password
// manager may ask somebody to unlock it.
const secretTimeout = 2 * time.Minute

// A SecretFault is why a secret cannot be had.
type SecretFault int

// The faults.
const (
	SecretUnset         SecretFault = iota // nothing says where it is
	CredentialUnread                       // systemd's credential
	SecretCommandFailed                    // the command that prints it
	SecretEmpty                            // where it should be, nothing is
	NoSecretFile
	SecretFileOpen // others may read it
	SecretFileUnread
)

// A SecretError says why a client secret, or the sealing key, cannot be had.
type SecretError struct {
	Fault SecretFault
	Key   bool   // it is the sealing key
	App   string // api, or apps.eu
	From  string // path, setting or credential
	Err   error
}

func (e *SecretError) Error() string {
	switch {
	case e.Key:
		return "sealing key: " + e.Err.Error()
	case e.Fault == SecretUnset:
		return e.Err.Error()
	}
	return "client secret: " + e.Err.Error()
}

func (e *SecretError) Unwrap() error { return e.Err }

// clientSecret reads the secret of the app configured under key: from the
// environment, systemd's credentials, a command or a file, in this order.
func (s *Study) clientSecret(ctx context.Context, key string, app config.App) (consent.Secret, error) {
	if secret := s.Getenv("DEXETL_API_CLIENT_SECRET"); secret != "" && key == "api" {
		return consent.Secret(secret), nil
	}
	credential := "dexetl-client-secret"
	if region, ok := strings.CutPrefix(key, "apps."); ok {
		credential += "-" + region
	}
	text, ok, err := s.credential(credential)
	switch {
	case err != nil:
		return "", &SecretError{CredentialUnread, false, key, credential, err}
	case ok:
		return oneSecret(text, key, "credential "+credential)
	case app.ClientSecretCommand != "":
		setting := key + ".client_secret_command"
		text, err := s.secretCommand(ctx, app.ClientSecretCommand)
		if err != nil {
			return "", &SecretError{SecretCommandFailed, false, key, setting, err}
		}
		return oneSecret(text, key, setting)
	case app.ClientSecretFile != "":
		return readSecretFile(s.Path(app.ClientSecretFile), key)
	}
	return "", &SecretError{SecretUnset, false, key, key + ".client_secret_file", errors.New("no client secret is configured")}
}

// oneSecret is the secret that text holds; none is an error that says where.
func oneSecret(text []byte, key, from string) (consent.Secret, error) {
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", &SecretError{SecretEmpty, false, key, from, fmt.Errorf("%s is empty", from)}
	}
	return consent.Secret(secret), nil
}

// credential returns what systemd passed to this service under name, and
// whether it did. Its modes are systemd's business.
func (s *Study) credential(name string) (text []byte, ok bool, err error) {
	dir := s.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return nil, false, nil
	}
	text, err = os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return text, err == nil, err
}

// secretCommand returns what a command of the configuration prints, which is
// shown to nobody; what it says on standard error is shown.
func (s *Study) secretCommand(ctx context.Context, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Env = config.WithoutOurs(os.Environ())
	command.Stderr = s.Stderr
	command.WaitDelay = time.Second // for children that hold its output open
	out, err := command.Output()
	if ctx.Err() == context.DeadlineExceeded {
		return nil, fmt.Errorf("the command took longer than %v", secretTimeout)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err() // it may ask a person, who does not want to go on
	}
	if err != nil {
		return nil, fmt.Errorf("the command failed: %w", err)
	}
	return out, nil
}

// readSecretFile refuses a file that others may read.
func readSecretFile(path, key string) (consent.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", &SecretError{NoSecretFile, false, key, path, err}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", &SecretError{SecretFileOpen, false, key, path, fmt.Errorf("%s can be read by others (mode %04o)", path, info.Mode().Perm())}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", &SecretError{SecretFileUnread, false, key, path, err}
	}
	return oneSecret(text, key, path)
}

// keyCredential is the name of the sealing key among systemd's credentials.
const keyCredential = "dexetl-sealing-key"

// SealingKey opens the key that seals tokens: from systemd's credentials, a
// command, or a file, which alone is made the first time.
func (s *Study) SealingKey(ctx context.Context) (*consent.Key, error) {
	const setting = "state.key_command"
	text, ok, err := s.credential(keyCredential)
	switch {
	case err != nil:
		return nil, &SecretError{CredentialUnread, true, "", keyCredential, err}
	case ok:
		return consent.ReadKey(ctx, "credential "+keyCredential, bytes.NewReader(text), s.Consents)
	case s.Config.State.KeyCommand != "":
		text, err := s.secretCommand(ctx, s.Config.State.KeyCommand)
		if err != nil {
			return nil, &SecretError{SecretCommandFailed, true, "", setting, err}
		}
		return consent.ReadKey(ctx, setting, bytes.NewReader(text), s.Consents)
	}
	return consent.OpenKey(ctx, s.KeyPath(), s.Consents)
}

// keyAtHand reports whether the sealing key can be read without running a command.
func (s *Study) keyAtHand() bool {
	if _, ok, err := s.credential(keyCredential); ok || err != nil {
		return ok
	}
	_, err := os.Stat(s.KeyPath())
	return s.Config.State.KeyCommand == "" && err == nil
}
