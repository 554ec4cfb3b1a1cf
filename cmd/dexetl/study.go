package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

const configFile = "dexetl.yaml"

// A study is a study folder: its configuration and, for the commands that
// need it, its state. The lake and the raw log are opened where they are used.
type study struct {
	dir    string
	config Config
	store  *state.Store // nil until openState
}

// openFolder finds the study and reads its configuration: enough for those who
// only read the lake, who need not be able to write.
func (p *program) openFolder() (*study, error) {
	dir, err := p.findStudy()
	if err != nil {
		return nil, err
	}
	config, err := loadConfig(dir, p.getenv)
	if err != nil {
		return nil, err
	}
	return &study{dir: dir, config: config}, nil
}

// openStudy opens the folder and its state.
func (p *program) openStudy(ctx context.Context) (*study, error) {
	s, err := p.openFolder()
	if err != nil {
		return nil, err
	}
	return s, p.openState(ctx, s)
}

func (p *program) openState(ctx context.Context, s *study) (err error) {
	if s.store, err = state.Open(ctx, s.path(s.config.State.Path)); err == nil {
		s.store.Now = p.now
	}
	return err
}

func (s *study) close() error {
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}

// findStudy returns --study, else the folder one stands in or the one above,
// whichever holds a dexetl.yaml.
func (p *program) findStudy() (string, error) {
	candidates := []string{".", ".."}
	if given := cmp.Or(p.flags.study, p.getenv("DEXETL_STUDY")); given != "" {
		candidates = []string{given}
	}
	for _, dir := range candidates {
		_, err := os.Stat(filepath.Join(dir, configFile))
		if err == nil {
			return filepath.Abs(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("study folder: %w", err)
		}
	}
	return "", failure(exitNoStudy, "dexetl init DIR, or --study DIR, or dexetl demo",
		"no study here: there is no %s in %s", configFile, strings.Join(candidates, " or "))
}

// path returns a configured path, relative ones taken from the study folder.
func (s *study) path(configured string) string {
	if filepath.IsAbs(configured) {
		return configured
	}
	return filepath.Join(s.dir, configured)
}

func (s *study) lakePath() string { return s.path(s.config.Lake.Path) }
func (s *study) rawPath() string  { return filepath.Join(s.lakePath(), "raw") }

func (s *study) keyPath() string {
	if s.config.State.KeyFile != "" {
		return s.path(s.config.State.KeyFile)
	}
	return filepath.Join(s.path(s.config.State.Path), "sealing.key")
}

// clientSecret reads app's secret: from the environment, a file or a command.
func (s *study) clientSecret(ctx context.Context, app APIConfig, getenv func(string) string) (consent.Secret, error) {
	switch secret := getenv("DEXETL_API_CLIENT_SECRET"); {
	case secret != "" && app == s.config.API:
		return consent.Secret(secret), nil
	case app.ClientSecretCommand != "":
		out, err := exec.CommandContext(ctx, "sh", "-c", app.ClientSecretCommand).Output()
		if err != nil {
			return "", failure(exitUsage, "run api.client_secret_command by hand", "client secret: command: %w", err)
		}
		return consent.Secret(strings.TrimSpace(string(out))), nil
	case app.ClientSecretFile != "":
		return readSecretFile(s.path(app.ClientSecretFile))
	}
	return "", failure(exitUsage, "set api.client_secret_file in "+configFile, "no client secret is configured")
}

// readSecretFile refuses a file that others may read.
func readSecretFile(path string) (consent.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", failure(exitUsage, "write the app's secret into "+path+" (mode 0600)", "client secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", failure(exitUsage, "chmod 600 "+path, "client secret: %s can be read by others (mode %04o)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", failure(exitUsage, "", "client secret: %w", err)
	}
	return consent.Secret(strings.TrimSpace(string(text))), nil
}
