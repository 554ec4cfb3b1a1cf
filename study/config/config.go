// Package config is a study's dexetl.yaml: what stands in it, how it is read, and
// whether whoever wrote it may be believed.
package config

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

// File is the name of the configuration in a study folder.
const File = "dexetl.yaml"

// What lake.raw may be: every answer stays as it was received, or old ones are
// compacted (see docs/raw-log.md).
const (
	KeepRaw    = "keep"
	CompactRaw = "compact"
)

// What lake.readers may be: who reads the lake, but for the raw log.
const (
	OwnerReads = "owner"
	GroupReads = "group"
)

// Config is dexetl.yaml. Every key has an environment variable that overrides
// it: api.client_id is DEXETL_API_CLIENT_ID.
type Config struct {
	Version int     `yaml:"version"`
	Study   Study   `yaml:"study"`
	API     App     `yaml:"api"`
	Apps    Apps    `yaml:"apps"`
	Connect Connect `yaml:"connect"`
	Limits  Limits  `yaml:"limits"`
	Sync    Sync    `yaml:"sync"`
	Lake    Lake    `yaml:"lake"`
	State   State   `yaml:"state"`
}

// Apps holds the apps of further regions, by region.
type Apps map[string]App

// Study says what the study is and how far back it may read.
type Study struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`        // as participants know it
	Contact    string   `yaml:"contact"`     // whom they may ask
	History    string   `yaml:"history"`     // from_study_start or all
	LateWindow Duration `yaml:"late_window"` // after a participant's end, until the tokens are destroyed
}

// App is one Dexcom app.
type App struct {
	Region              string `yaml:"region"`
	BaseURL             string `yaml:"base_url"`
	OAuth               string `yaml:"oauth"` // path prefix, v2 or v3
	ClientID            string `yaml:"client_id"`
	ClientSecretFile    string `yaml:"client_secret_file"`
	ClientSecretCommand string `yaml:"client_secret_command"`
	RedirectURI         string `yaml:"redirect_uri"`
}

// Connect is about the pages at which participants connect.
type Connect struct {
	PublicURL string `yaml:"public_url"` // what links begin with
	Texts     string `yaml:"texts"`      // file in place of the English texts
	// ClientHeader names the header in which the proxy in front says for whom it asks.
	ClientHeader string `yaml:"client_header"`
}

// Limits bounds what is asked of the API.
type Limits struct {
	CallsPerHour int `yaml:"calls_per_hour"` // of 60,000; the rest is a reserve
	Concurrency  int `yaml:"concurrency"`    // requests in flight
}

// Sync sets the beats of sync.
type Sync struct {
	Trailing  Duration `yaml:"trailing"`
	Deep      Duration `yaml:"deep"`
	Resources []string `yaml:"resources"`
}

// Lake says where the lake is and what of it stays.
type Lake struct {
	Path          string        `yaml:"path"`
	Raw           string        `yaml:"raw"`     // keep or compact
	Readers       string        `yaml:"readers"` // owner or group
	KeepSnapshots KeepSnapshots `yaml:"keep_snapshots"`
}

// KeepSnapshots says which snapshots stay.
type KeepSnapshots struct {
	Last  int `yaml:"last"`
	Daily int `yaml:"daily"`
}

// State says where the study's state and its sealing key are.
type State struct {
	Path    string `yaml:"path"`
	KeyFile string `yaml:"key_file"` // default: sealing.key in the state folder
	// KeyCommand prints the sealing key, in the place of a file.
	KeyCommand string `yaml:"key_command"`
}

func defaults() Config {
	return Config{
		Version: 1,
		Study:   Study{History: "from_study_start", LateWindow: Duration(30 * 24 * time.Hour)},
		API:     App{OAuth: "v2", RedirectURI: "http://localhost:8085/callback"},
		Limits:  Limits{CallsPerHour: 54000, Concurrency: 16},
		Sync: Sync{
			Trailing: Duration(7 * 24 * time.Hour), Deep: Duration(30 * 24 * time.Hour),
			Resources: []string{"egvs", "events", "calibrations", "alerts", "devices"},
		},
		Lake:  Lake{Path: "lake", Raw: KeepRaw, Readers: OwnerReads, KeepSnapshots: KeepSnapshots{Last: 48, Daily: 30}},
		State: State{Path: "state"},
	}
}

// Hosts are Dexcom's, by region.
func Hosts() map[string]string {
	return map[string]string{
		"us":      "https://api.dexcom.com",
		"eu":      "https://api.dexcom.eu",
		"jp":      "https://api.dexcom.jp",
		"sandbox": "https://sandbox-api.dexcom.com",
	}
}

var headerPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// StudyID is what study.id looks like.
var StudyID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (c Config) check() error {
	switch {
	case c.Version != 1:
		return fmt.Errorf("version %d is not understood by this program, which reads version 1", c.Version)
	case c.Study.ID != "" && !StudyID.MatchString(c.Study.ID):
		return fmt.Errorf("study.id %q: letters, digits, _ and - only", c.Study.ID)
	case c.Study.History != "from_study_start" && c.Study.History != "all":
		return fmt.Errorf("study.history %q: from_study_start or all", c.Study.History)
	case c.Limits.CallsPerHour < 1 || c.Limits.CallsPerHour > 60000:
		return fmt.Errorf("limits.calls_per_hour %d: 1 to 60000, which is Dexcom's limit for an app", c.Limits.CallsPerHour)
	case c.Limits.Concurrency < 1 || c.Limits.Concurrency > 256:
		return fmt.Errorf("limits.concurrency %d: 1 to 256", c.Limits.Concurrency)
	case c.State.KeyFile != "" && c.State.KeyCommand != "":
		return errors.New("state.key_file and state.key_command exclude each other")
	case c.Lake.Raw != KeepRaw && c.Lake.Raw != CompactRaw:
		return fmt.Errorf("lake.raw %q: keep or compact", c.Lake.Raw)
	case c.Lake.Readers != OwnerReads && c.Lake.Readers != GroupReads:
		return fmt.Errorf("lake.readers %q: owner or group", c.Lake.Readers)
	}
	if err := c.Sync.check(); err != nil {
		return fmt.Errorf("sync.%w", err)
	}
	if err := CheckPublicURL(c.Connect.PublicURL); err != nil && c.Connect.PublicURL != "" {
		return fmt.Errorf("connect.public_url: %w", err)
	}
	if h := c.Connect.ClientHeader; h != "" && !headerPattern.MatchString(h) {
		return fmt.Errorf("connect.client_header %q: the name of a header, such as X-Forwarded-For", h)
	}
	return c.checkApps()
}

func (c Sync) check() error {
	known := defaults().Sync.Resources
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
		if _, ok := Hosts()[region]; !ok {
			return fmt.Errorf("apps.%s: a region is us, eu, jp or sandbox", region)
		}
		if err := app.check(); err != nil {
			return fmt.Errorf("apps.%s.%w", region, err)
		}
	}
	return nil
}

func (a App) check() error {
	if _, ok := Hosts()[a.Region]; !ok && a.Region != "" {
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
	if err := (&dexcom.Client{BaseURL: a.URL()}).Check(); err != nil {
		return fmt.Errorf("base_url: %w", err)
	}
	return nil
}

// URL is where the app's API is, without a slash at the end.
func (a App) URL() string {
	return strings.TrimRight(cmp.Or(a.BaseURL, Hosts()[a.Region]), "/")
}
