package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
)

// secretTimeout is how long a command may take that prints a secret: a password
// manager may ask somebody to unlock it.
const secretTimeout = 2 * time.Minute

// clientSecret reads the secret of the app configured under key: from the
// environment, systemd's credentials, a command or a file, in this order.
func (p *program) clientSecret(ctx context.Context, s *study, key string, app APIConfig) (consent.Secret, error) {
	if secret := p.getenv("DEXETL_API_CLIENT_SECRET"); secret != "" && key == "api" {
		return consent.Secret(secret), nil
	}
	credential := "dexetl-client-secret"
	if region, ok := strings.CutPrefix(key, "apps."); ok {
		credential += "-" + region
	}
	text, ok, err := p.credential(credential)
	switch {
	case err != nil:
		return "", advised(exitUsage, "correct the unit's LoadCredential", "client secret: %w", err)
	case ok:
		return oneSecret(text, "credential "+credential)
	case app.ClientSecretCommand != "":
		text, err := p.secretCommand(ctx, app.ClientSecretCommand)
		if err != nil {
			return "", advised(exitUsage, "run "+key+".client_secret_command by hand", "client secret: %w", err)
		}
		return oneSecret(text, key+".client_secret_command")
	case app.ClientSecretFile != "":
		return readSecretFile(s.path(app.ClientSecretFile))
	}
	return "", advised(exitUsage, "set "+key+".client_secret_file in "+configFile, "no client secret is configured")
}

// oneSecret is the secret that text holds; none is an error that says where.
func oneSecret(text []byte, from string) (consent.Secret, error) {
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", advised(exitUsage, "make it give the app's secret", "client secret: %s is empty", from)
	}
	return consent.Secret(secret), nil
}

// credential returns what systemd passed to this service under name, and
// whether it did. Its modes are systemd's business.
func (p *program) credential(name string) (text []byte, ok bool, err error) {
	dir := p.getenv("CREDENTIALS_DIRECTORY")
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
func (p *program) secretCommand(ctx context.Context, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Env = withoutOurs(os.Environ())
	command.Stderr = p.stderr
	command.WaitDelay = time.Second // for children that hold its output open
	out, err := command.Output()
	if ctx.Err() == context.DeadlineExceeded {
		return nil, fmt.Errorf("the command took longer than %v", secretTimeout)
	}
	if err != nil {
		return nil, fmt.Errorf("the command failed: %w", err)
	}
	return out, nil
}

// withoutOurs is an environment without what was meant for dexetl, secrets among
// it. What a password manager needs stays.
func withoutOurs(environ []string) []string {
	return slices.DeleteFunc(environ, func(variable string) bool {
		return strings.HasPrefix(variable, "DEXETL_") || strings.HasPrefix(variable, "CREDENTIALS_DIRECTORY=")
	})
}

// readSecretFile refuses a file that others may read.
func readSecretFile(path string) (consent.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", advised(exitUsage, "write the app's secret into "+path+" (mode 0600)", "client secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", failure(exitUsage, shellLine([]string{"chmod", "600", path}), "client secret: %s can be read by others (mode %04o)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", failure(exitUsage, "", "client secret: %w", err)
	}
	return oneSecret(text, path)
}

// sealingKey opens the key that seals tokens: from systemd's credentials, a
// command, or a file, which alone is made the first time.
func (p *program) sealingKey(ctx context.Context, s *study) (*consent.Key, error) {
	const credential = "dexetl-sealing-key"
	text, ok, err := p.credential(credential)
	switch {
	case err != nil:
		return nil, advised(exitKey, "correct the unit's LoadCredential", "sealing key: %w", err)
	case ok:
		return consent.ReadKey(ctx, "credential "+credential, bytes.NewReader(text), s.consents)
	case s.config.State.KeyCommand != "":
		text, err := p.secretCommand(ctx, s.config.State.KeyCommand)
		if err != nil {
			return nil, advised(exitKey, "run state.key_command by hand", "sealing key: %w", err)
		}
		return consent.ReadKey(ctx, "state.key_command", bytes.NewReader(text), s.consents)
	}
	return consent.OpenKey(ctx, s.keyPath(), s.consents)
}
