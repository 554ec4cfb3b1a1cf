// Package config is a study's dexetl.yaml: what stands in it, how it is read, and
// whether whoever wrote it may be believed.
package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plain"
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
	Version  int      `yaml:"version"`
	Study    Study    `yaml:"study"`
	API      App      `yaml:"api"`
	Apps     Apps     `yaml:"apps"`
	Connect  Connect  `yaml:"connect"`
	Serve    Serve    `yaml:"serve"`
	Webhooks Webhooks `yaml:"webhooks"`
	Limits   Limits   `yaml:"limits"`
	Sync     Sync     `yaml:"sync"`
	Metrics  Metrics  `yaml:"metrics"`
	Lake     Lake     `yaml:"lake"`
	Report   Report   `yaml:"report"`
	State    State    `yaml:"state"`
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
	// Blinding keeps glucose, events, alerts, metrics and arms from keys and webhooks that are not
	// unblinded.
	Blinding bool `yaml:"blinding"`
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

// KeepSnapshots says which snapshots stay beside those that somebody needs.
type KeepSnapshots struct {
	Last  int `yaml:"last"`  // the newest so many
	Daily int `yaml:"daily"` // the last one of each of so many days
}

// Report says where pages about runs go.
type Report struct {
	Dir string `yaml:"dir"` // empty: none are written
}

// State says where the study's state and its sealing key are.
type State struct {
	Path    string `yaml:"path"`
	KeyFile string `yaml:"key_file"` // default: sealing.key in the state folder
	// KeyCommand prints the sealing key, in the place of a file.
	KeyCommand string `yaml:"key_command"`
}

// Files are the files that the configuration names beside the state and the lake, as it
// has them.
func (c Config) Files() (names []string) {
	all := []string{c.Connect.Texts, c.Serve.TLSCert, c.Serve.TLSKey, c.State.KeyFile, c.API.ClientSecretFile}
	for _, region := range slices.Sorted(maps.Keys(c.Apps)) {
		all = append(all, c.Apps[region].ClientSecretFile)
	}
	for _, name := range all {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

func defaults() Config {
	return Config{
		Version: 1,
		Study:   Study{History: "from_study_start", LateWindow: Duration(30 * 24 * time.Hour)},
		API:     App{OAuth: "v2", RedirectURI: "http://localhost:8085/callback"},
		Serve:   Serve{Listen: "127.0.0.1:8086", DefaultHistory: Duration(90 * 24 * time.Hour)},
		Limits:  Limits{CallsPerHour: 54000, Concurrency: 16},
		Sync: Sync{
			Trailing: Duration(7 * 24 * time.Hour), Deep: Duration(30 * 24 * time.Hour),
			Resources: []string{"egvs", "events", "calibrations", "alerts", "devices"},
		},
		Metrics: DefaultMetrics(),
		Lake:    Lake{Path: "lake", Raw: KeepRaw, Readers: OwnerReads, KeepSnapshots: KeepSnapshots{Last: 48, Daily: 30}},
		State:   State{Path: "state"},
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

// A valueError is a key with a value that means nothing.
type valueError struct {
	key, value string // value: with a blank before it; "" where there is none
	err        error
}

func (e *valueError) Error() string { return fmt.Sprintf("%s%s: %v", e.key, e.value, e.err) }
func (e *valueError) Unwrap() error { return e.err }

// wrong is a *valueError; value is shown unless it is nil.
func wrong(key string, value any, format string, args ...any) error {
	e := &valueError{key: key, err: fmt.Errorf(format, args...)}
	switch value := value.(type) {
	case nil:
	case string:
		e.value = fmt.Sprintf(" %q", value)
	default:
		e.value = fmt.Sprintf(" %v", value)
	}
	return e
}

func (c Config) check() error {
	switch {
	case c.Version != 1:
		return wrong("version", c.Version, "this program reads version 1")
	case c.Study.ID != "" && !StudyID.MatchString(c.Study.ID):
		return wrong("study.id", c.Study.ID, "letters, digits, _ and - only")
	case c.Study.History != "from_study_start" && c.Study.History != "all":
		return wrong("study.history", c.Study.History, "from_study_start or all")
	case c.Limits.CallsPerHour < 1 || c.Limits.CallsPerHour > 60000:
		return wrong("limits.calls_per_hour", c.Limits.CallsPerHour, "1 to 60000, which is Dexcom's limit for an app")
	case c.Limits.Concurrency < 1 || c.Limits.Concurrency > 256:
		return wrong("limits.concurrency", c.Limits.Concurrency, "1 to 256")
	case c.State.KeyFile != "" && c.State.KeyCommand != "":
		return wrong("state.key_command", nil, "key_file and key_command exclude each other")
	case c.Lake.Raw != KeepRaw && c.Lake.Raw != CompactRaw:
		return wrong("lake.raw", c.Lake.Raw, "keep or compact")
	case c.Lake.Readers != OwnerReads && c.Lake.Readers != GroupReads:
		return wrong("lake.readers", c.Lake.Readers, "owner or group")
	case c.Lake.KeepSnapshots.Last < 1:
		return wrong("lake.keep_snapshots.last", c.Lake.KeepSnapshots.Last, "1 or more, such as 48")
	case c.Lake.KeepSnapshots.Daily < 0:
		return wrong("lake.keep_snapshots.daily", c.Lake.KeepSnapshots.Daily, "0 or more, such as 30")
	}
	if err := c.Sync.check(); err != nil {
		return err
	}
	if err := c.Metrics.check(); err != nil {
		return err
	}
	if err := c.Serve.check(); err != nil {
		return err
	}
	if err := c.checkReport(); err != nil {
		return err
	}
	if err := CheckPublicURL(c.Connect.PublicURL); err != nil && c.Connect.PublicURL != "" {
		return wrong("connect.public_url", nil, "%w", err)
	}
	if h := c.Connect.ClientHeader; h != "" && !headerPattern.MatchString(h) {
		return wrong("connect.client_header", h, "the name of a header, such as X-Forwarded-For")
	}
	return c.checkApps()
}

// checkReport refuses a folder of pages among what the study keeps, by the names alone:
// whoever writes there looks at links, too.
func (c Config) checkReport() error {
	dir := c.Report.Dir
	if strings.HasPrefix(dir, "~") {
		return wrong("report.dir", dir, "~ is known to shells alone: write the whole path, or one in the study folder, such as reports")
	}
	for key, tree := range map[string]string{"lake.path": c.Lake.Path, "state.path": c.State.Path} {
		if rel, err := filepath.Rel(tree, dir); dir != "" && err == nil && filepath.IsLocal(rel) {
			return wrong("report.dir", dir, "it lies in %s, %s, whose files are the study's alone: take another folder, such as reports", key, tree)
		}
	}
	return nil
}

func (c Sync) check() error {
	known := defaults().Sync.Resources
	switch {
	case c.Trailing <= 0:
		return wrong("sync.trailing", nil, "more than nothing, such as 7d")
	case c.Deep <= 0:
		return wrong("sync.deep", nil, "more than nothing, such as 30d")
	case len(c.Resources) == 0:
		return wrong("sync.resources", nil, "name some of %s", strings.Join(known, ", "))
	}
	for _, r := range c.Resources {
		if !slices.Contains(known, r) {
			return wrong("sync.resources", nil, "%q is none of %s", r, strings.Join(known, ", "))
		}
	}
	return nil
}

func (c Config) checkApps() error {
	if err := c.API.check("api"); err != nil {
		return err
	}
	for _, region := range slices.Sorted(maps.Keys(c.Apps)) {
		if _, ok := Hosts()[region]; !ok {
			return wrong("apps."+region, nil, "a region is us, eu, jp or sandbox")
		}
		if err := c.Apps[region].check("apps." + region); err != nil {
			return err
		}
	}
	return nil
}

// check looks at the app below key.
func (a App) check(key string) error {
	if _, ok := Hosts()[a.Region]; !ok && a.Region != "" {
		return wrong(key+".region", a.Region, "us, eu, jp or sandbox")
	}
	if a.Region == "" && a.BaseURL == "" {
		return wrong(key+".region", nil, "missing: us, eu, jp or sandbox")
	}
	if a.OAuth != "" && a.OAuth != "v2" && a.OAuth != "v3" {
		return wrong(key+".oauth", a.OAuth, "v2 or v3")
	}
	if a.ClientSecretFile != "" && a.ClientSecretCommand != "" {
		return wrong(key+".client_secret_command", nil, "client_secret_file and client_secret_command exclude each other")
	}
	if err := (&dexcom.Client{BaseURL: a.URL()}).Check(); err != nil {
		return wrong(key+".base_url", nil, "%w", err)
	}
	if err := plain.SchemeMissing(a.RedirectURI); err != nil {
		return wrong(key+".redirect_uri", nil, "%w", err)
	}
	return nil
}

// URL is where the app's API is, without a slash at the end.
func (a App) URL() string {
	return strings.TrimRight(cmp.Or(a.BaseURL, Hosts()[a.Region]), "/")
}
