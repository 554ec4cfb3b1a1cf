package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Config is dexetl.yaml. Every key has an environment variable that overrides
// it: api.client_id is DEXETL_API_CLIENT_ID.
type Config struct {
	Version int          `yaml:"version"`
	Study   StudyConfig  `yaml:"study"`
	API     APIConfig    `yaml:"api"`
	Apps    AppsConfig   `yaml:"apps"`
	Connect PagesConfig  `yaml:"connect"`
	Limits  LimitsConfig `yaml:"limits"`
	Sync    SyncConfig   `yaml:"sync"`
	Lake    LakeConfig   `yaml:"lake"`
	State   StateConfig  `yaml:"state"`
}

// AppsConfig holds the apps of further regions, by region.
type AppsConfig map[string]APIConfig

// StudyConfig says what the study is and how far back it may read.
type StudyConfig struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`        // as participants know it
	Contact    string   `yaml:"contact"`     // whom they may ask
	History    string   `yaml:"history"`     // from_study_start or all
	LateWindow Duration `yaml:"late_window"` // after a participant's end, until the tokens are destroyed
}

// APIConfig is one Dexcom app.
type APIConfig struct {
	Region              string `yaml:"region"`
	BaseURL             string `yaml:"base_url"`
	OAuth               string `yaml:"oauth"` // path prefix, v2 or v3
	ClientID            string `yaml:"client_id"`
	ClientSecretFile    string `yaml:"client_secret_file"`
	ClientSecretCommand string `yaml:"client_secret_command"`
	RedirectURI         string `yaml:"redirect_uri"`
}

// PagesConfig is about the pages at which participants connect.
type PagesConfig struct {
	PublicURL string `yaml:"public_url"` // what links begin with
	Texts     string `yaml:"texts"`      // file in place of the English texts
	// ClientHeader names the header in which the proxy in front says for whom it asks.
	ClientHeader string `yaml:"client_header"`
}

// LimitsConfig bounds what is asked of the API.
type LimitsConfig struct {
	CallsPerHour int `yaml:"calls_per_hour"` // of 60,000; the rest is a reserve
	Concurrency  int `yaml:"concurrency"`    // requests in flight
}

// SyncConfig sets the beats of sync.
type SyncConfig struct {
	Trailing  Duration `yaml:"trailing"`
	Deep      Duration `yaml:"deep"`
	Resources []string `yaml:"resources"`
}

// LakeConfig says where the lake is and what of it stays.
type LakeConfig struct {
	Path          string              `yaml:"path"`
	Raw           string              `yaml:"raw"` // keep or compact
	KeepSnapshots KeepSnapshotsConfig `yaml:"keep_snapshots"`
}

// KeepSnapshotsConfig says which snapshots stay.
type KeepSnapshotsConfig struct {
	Last  int `yaml:"last"`
	Daily int `yaml:"daily"`
}

// StateConfig says where the study's state and its sealing key are.
type StateConfig struct {
	Path    string `yaml:"path"`
	KeyFile string `yaml:"key_file"` // default: sealing.key in the state folder
	// KeyCommand prints the sealing key, in the place of a file.
	KeyCommand string `yaml:"key_command"`
}

func defaultConfig() Config {
	return Config{
		Version: 1,
		Study:   StudyConfig{History: "from_study_start", LateWindow: Duration(30 * 24 * time.Hour)},
		API:     APIConfig{OAuth: "v2", RedirectURI: "http://localhost:8085/callback"},
		Limits:  LimitsConfig{CallsPerHour: 54000, Concurrency: 16},
		Sync: SyncConfig{
			Trailing: Duration(7 * 24 * time.Hour), Deep: Duration(30 * 24 * time.Hour),
			Resources: []string{"egvs", "events", "calibrations", "alerts", "devices"},
		},
		Lake:  LakeConfig{Path: "lake", Raw: rawKeep, KeepSnapshots: KeepSnapshotsConfig{Last: 48, Daily: 30}},
		State: StateConfig{Path: "state"},
	}
}

// hosts are Dexcom's, by region.
func hosts() map[string]string {
	return map[string]string{
		"us":      "https://api.dexcom.com",
		"eu":      "https://api.dexcom.eu",
		"jp":      "https://api.dexcom.jp",
		"sandbox": "https://sandbox-api.dexcom.com",
	}
}

var headerPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

var studyIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (c Config) check() error {
	switch {
	case c.Version != 1:
		return fmt.Errorf("version %d is not understood by this program, which reads version 1", c.Version)
	case c.Study.ID != "" && !studyIDPattern.MatchString(c.Study.ID):
		return fmt.Errorf("study.id %q: letters, digits, _ and - only", c.Study.ID)
	case c.Study.History != "from_study_start" && c.Study.History != "all":
		return fmt.Errorf("study.history %q: from_study_start or all", c.Study.History)
	case c.Limits.CallsPerHour < 1 || c.Limits.CallsPerHour > 60000:
		return fmt.Errorf("limits.calls_per_hour %d: 1 to 60000, which is Dexcom's limit for an app", c.Limits.CallsPerHour)
	case c.Limits.Concurrency < 1 || c.Limits.Concurrency > 256:
		return fmt.Errorf("limits.concurrency %d: 1 to 256", c.Limits.Concurrency)
	case c.State.KeyFile != "" && c.State.KeyCommand != "":
		return errors.New("state.key_file and state.key_command exclude each other")
	case c.Lake.Raw != rawKeep && c.Lake.Raw != rawCompact:
		return fmt.Errorf("lake.raw %q: keep or compact", c.Lake.Raw)
	}
	if err := c.Sync.check(); err != nil {
		return fmt.Errorf("sync.%w", err)
	}
	if err := checkPublicURL(c.Connect.PublicURL); err != nil && c.Connect.PublicURL != "" {
		return fmt.Errorf("connect.public_url: %w", err)
	}
	if h := c.Connect.ClientHeader; h != "" && !headerPattern.MatchString(h) {
		return fmt.Errorf("connect.client_header %q: the name of a header, such as X-Forwarded-For", h)
	}
	return c.checkApps()
}

func (c SyncConfig) check() error {
	known := defaultConfig().Sync.Resources
	switch {
	case c.Trailing <= 0:
		return errors.New("trailing: more than nothing, such as 7d")
	case c.Deep <= 0:
		return errors.New("deep: more than nothing, such as 30d")
	case len(c.Resources) == 0:
		return fmt.Errorf("resources: name some of %s", strings.Join(known, ", "))
	}
	for _, r := range c.Resources {
		if !slices.Contains(known, r) {
			return fmt.Errorf("resources: %q is none of %s", r, strings.Join(known, ", "))
		}
	}
	return nil
}

func (c Config) checkApps() error {
	if err := c.API.check(); err != nil {
		return fmt.Errorf("api.%w", err)
	}
	for region, app := range c.Apps {
		if _, ok := hosts()[region]; !ok {
			return fmt.Errorf("apps.%s: a region is us, eu, jp or sandbox", region)
		}
		if err := app.check(); err != nil {
			return fmt.Errorf("apps.%s.%w", region, err)
		}
	}
	return nil
}

func (a APIConfig) check() error {
	if _, ok := hosts()[a.Region]; !ok && a.Region != "" {
		return fmt.Errorf("region %q: us, eu, jp or sandbox", a.Region)
	}
	if a.Region == "" && a.BaseURL == "" {
		return errors.New("region is missing: us, eu, jp or sandbox")
	}
	if a.OAuth != "" && a.OAuth != "v2" && a.OAuth != "v3" {
		return fmt.Errorf("oauth %q: v2 or v3", a.OAuth)
	}
	if a.ClientSecretFile != "" && a.ClientSecretCommand != "" {
		return errors.New("client_secret_file and client_secret_command exclude each other")
	}
	if err := (&dexcom.Client{BaseURL: a.baseURL()}).Check(); err != nil {
		return fmt.Errorf("base_url: %w", err)
	}
	return nil
}

func (a APIConfig) baseURL() string {
	return strings.TrimRight(cmp.Or(a.BaseURL, hosts()[a.Region]), "/")
}
