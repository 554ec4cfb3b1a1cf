package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is wrong with a dexetl.yaml is said with its line or key, and what was perhaps meant.
func TestWrong(t *testing.T) {
	for _, tt := range []struct{ text, env, want string }{
		{"versionn: 1", "", `line 1: unknown key "versionn", did you mean "version"?`},
		{"version: 2\napi: {region: us}", "", "line 1: version 2: this program reads version 1"},
		{"version: one", "", `line 1: version "one": want a whole number`},
		{"version: 1\napi: {region: us}\nlimits:\n  concurrency: 3.5", "", `line 4: limits.concurrency "3.5": want a whole number`},
		{"version: 1\napi: {region: us}\nlake:\n  keep_snapshots: {last: [1]}", "", "line 4: lake.keep_snapshots.last: want a whole number"},
		{"version: 1\napi: us", "", `line 2: api "us": want keys with values`},
		{"version: 1\napi: {region: us}\nsync:\n  resources: egvs", "", `line 4: sync.resources "egvs": want a list`},
		{"version: 1\napi: {region: us}\nlake: {path: [a]}", "", "line 3: lake.path: want text"},
		{"version: 1\napi: {region: us}\nstudy:\n  late_window: soon", "", `line 4: study.late_window: "soon" is no duration`},
		{"version: 1\napi:\n  oauth: v2", "", "line 2: api.region: missing"},
		{"version: 1\napi:\n\tregion: us", "", "line 3: it begins with a tab"},
		{"version: 1\napi:\n  region: us\n  client_id:abc", "", "line 4: want a key with a value"},
		{"version: 1\napi: [a", "", "line 2: "},
		{"# nothing\n", "", "is empty"},
		{"version: 1\napi: {base_url: '127.0.0.1:8199'}", "", `line 2: api.base_url: base URL "127.0.0.1:8199" lacks http:// in front: http://127.0.0.1:8199`},
		{"version: 1\napi: {region: us}\nconnect:\n  public_url: example.org", "", `line 4: connect.public_url: "example.org" lacks https:// in front`},
		{"version: 1\napi: {region: us}\nlimits: {concurrency: 0}", "DEXETL_LIMITS_CONCURRENCY=999", "environment: DEXETL_LIMITS_CONCURRENCY: limits.concurrency 999: 1 to 256"},
		{"version: 1\napi: {region: us}\nreport: {dir: lake/pages}", "", `line 3: report.dir "lake/pages": it lies in lake.path, lake, whose files are the study's alone`},
		{"version: 1\napi: {region: us}\nstate: {path: /s}\nreport: {dir: /s/../s}", "", `report.dir "/s/../s": it lies in state.path, /s`},
		{"version: 1\napi: {region: us}\nreport: {dir: ~/pages}", "", `report.dir "~/pages": ~ is known to shells alone`},
		{"version: 1\napi: {region: mars}", "", `api.region "mars": us, eu, jp or sandbox`},
		{"version: 1", "", "dexetl.yaml: api.region: missing"},
		{"version: 1\napi: {region: us, oauth: v9}", "", `api.oauth "v9": v2 or v3`},
		{"version: 1\napi: {region: us, client_secret_file: a, client_secret_command: b}", "", "exclude each other"},
		{"version: 1\napi: {region: us}\napps: {mars: {}}", "", "apps.mars: a region is"},
		{"version: 1\napi: {region: us}\nsync: {trailing: 0d}", "", "sync.trailing: more than nothing"},
		{"version: 1\napi: {region: us}\nsync: {resources: [egvs, egg]}", "", `resources: "egg" is none of egvs`},
		{"version: 1\napi: {region: us}\nconnect: {public_url: 'http://example.org'}", "", "https is required"},
		{"version: 1\napi: {region: us}\nmetrics: {night: 22-06}", "", `line 3: metrics.night "22-06": two times of the day, such as 00:00-06:00`},
		{"version: 1\napi: {region: us}\nmetrics: {night: 24:00-06:00}", "", `metrics.night "24:00-06:00": two times`},
		{"version: 1\napi: {region: us}\nmetrics: {night: 06:00-06:00}", "", `metrics.night "06:00-06:00": begins when it ends`},
		{"version: 1\napi: {region: us}\nmetrics: {min_active_pct: 101}", "", "metrics.min_active_pct 101: 1 to 100"},
		{"version: 1\napi: {region: us}\nmetrics: {min_active_pct: 0}", "", "metrics.min_active_pct 0: 1 to 100"},
		{"version: 1\napi: {region: us}\nmetrics: {episodes: iglu}", "", `metrics.episodes "iglu": consensus2023 or danne2017`},
		{"version: 1\napi: {region: us}\nmetrics: {nights: 22:00-06:00}", "", `unknown key "nights", did you mean "night"?`},
		{"version: 1\napi: {region: us}", "DEXETL_METRICS_NIGHT=22:00", `DEXETL_METRICS_NIGHT: metrics.night "22:00": two times`},
		{"version: 1\napi: {region: us}\nstudy: {blinding: yes please}", "", `line 3: study.blinding "yes please": want true or false`},
		{"version: 1\napi: {region: us}\nserve: {listen: 8086}", "", `line 3: serve.listen "8086": host:port such as 127.0.0.1:8086`},
		{"version: 1\napi: {region: us}\nserve: {tls_cert: a}", "", "serve.tls_key: missing: tls_cert and tls_key go together"},
		{"version: 1\napi: {region: us}\nserve: {tls_key: a}", "", "line 3: serve.tls_cert: missing"},
		{"version: 1\napi: {region: us}\nserve: {tls_cert: a, tls_key: b, behind_proxy: true}", "", "serve.behind_proxy: behind_proxy and tls_cert exclude each other"},
		{"version: 1\napi: {region: us}\nserve: {schedule: 10s}", "", "serve.schedule: at least 1m0s"},
		{"version: 1\napi: {region: us}\nserve: {default_history: 0d}", "", "serve.default_history: more than nothing"},
		{"version: 1\napi: {region: us}\nserve: {redirect_urls: [app.example.org/back]}", "", `serve.redirect_urls: "app.example.org/back" lacks https:// in front`},
		{"version: 1\napi: {region: us}\nserve: {redirect_urls: ['app.example.org:8443/back']}", "", "lacks https:// in front"},
		{"version: 1\napi: {region: us}\nserve: {redirect_urls: ['http://app.example.org/back']}", "", "https is required, except on this machine"},
		{"version: 1\napi: {region: us}\nserve: {redirect_urls: ['javascript://alert(1)']}", "", "serve.redirect_urls: "},
		{"version: 1\napi: {region: us}\nserve: {redirect_urls: ['https://a@app.example.org/']}", "", "without name and #"},
		{"version: 1\napi: {region: us}", "DEXETL_SERVE_BEHIND_PROXY=perhaps", `DEXETL_SERVE_BEHIND_PROXY: "perhaps": true or false`},
		{"version: 1\napi: {region: us}\nwebhooks: {allow_private: 1}", "", `webhooks.allow_private "1": want true or false`},
		{"version: 1\napi: {region: us}\nstudy: {id: 'a b'}", "", "letters, digits, _ and - only"},
		{"version: 1\napi: {region: us}", "DEXETL_LIMITS_CALLS_PER_HOUR=x", `DEXETL_LIMITS_CALLS_PER_HOUR: "x" is no whole number`},
		{"version: 1\napi: {region: us}", "DEXETL_LIMITS_CALLS_PER_HOUR=60001", "limits.calls_per_hour 60001: 1 to 60000"},
		{"version: 1\napi: {region: us}", "DEXETL_STUDY_LATE_WINDOW=soon", "no duration such as 7d or 36h"},
	} {
		_, err := parse("dexetl.yaml", []byte(tt.text), env(tt.env))
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %s: %v, want %q", tt.text, tt.env, err, tt.want)
		}
	}
}

// The environment overrides every key; what neither says has its default.
func TestEnvironmentOverrides(t *testing.T) {
	c, err := parse("dexetl.yaml", []byte("version: 1\napi: {region: us}\nsync: {deep: 60d}"), env("DEXETL_SYNC_RESOURCES=egvs, events"))
	if got := fmt.Sprintln(err, c.Sync.Resources, time.Duration(c.Sync.Deep), time.Duration(c.Sync.Trailing), c.API.URL(), c.State.Path); got !=
		"<nil> [egvs events] 1440h0m0s 168h0m0s https://api.dexcom.com state\n" {
		t.Error(got)
	}
}

// What serve needs has defaults, and each key its variable.
func TestServe(t *testing.T) {
	text := "version: 1\napi: {region: us}\nserve: {redirect_urls: [https://app.example.org/back, 'http://localhost:3000/', 'org.example.app:/back'], behind_proxy: true}"
	c, err := parse("dexetl.yaml", []byte(text), env("DEXETL_SERVE_SCHEDULE=1h"))
	if got := fmt.Sprintln(err, c.Serve.Listen, len(c.Serve.RedirectURLs), c.Serve.BehindProxy, time.Duration(c.Serve.Schedule), time.Duration(c.Serve.DefaultHistory), c.Study.Blinding, c.Webhooks.AllowPrivate); got !=
		"<nil> 127.0.0.1:8086 3 true 1h0m0s 2160h0m0s false false\n" {
		t.Error(got)
	}
	c, err = parse("dexetl.yaml", []byte(text), env("DEXETL_STUDY_BLINDING=true"))
	if err != nil || !c.Study.Blinding || c.Serve.Schedule != 0 {
		t.Errorf("blinding %t, schedule %v, %v", c.Study.Blinding, c.Serve.Schedule, err)
	}
}

// A night is taken with quotes and without, and may end at midnight.
func TestMetrics(t *testing.T) {
	for text, want := range map[string]string{
		"": "00:00-06:00 70 consensus2023", "metrics: {night: 22:30-05:45}": "22:30-05:45 70 consensus2023",
		"metrics: {night: \"21:00-24:00\", min_active_pct: 80, episodes: danne2017}": "21:00-24:00 80 danne2017",
	} {
		c, err := parse("dexetl.yaml", []byte("version: 1\napi: {region: us}\n"+text), env(""))
		if got := fmt.Sprint(c.Metrics.Night, " ", c.Metrics.MinActivePct, " ", c.Metrics.Episodes); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "0d": 0, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "36500d": 36500 * 24 * time.Hour,
		"36501d": -1, "-1d": -1, "-5m": -1, "1.5d": -1, "d": -1, "": -1, "soon": -1} {
		got, err := ParseDuration(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

// A new study has the configuration that was asked for; one that is there stays.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "TRIAL-7")
	if err := Write(dir, Values{StudyID: NameOf(dir), History: "from_study_start", Region: "eu"}); err != nil {
		t.Fatal(err)
	}
	c, distrust, err := Load(dir, env(""))
	if err != nil || distrust != nil || c.Study.ID != "TRIAL-7" || c.API.Region != "eu" {
		t.Errorf("%+v, %v, %v", c, distrust, err)
	}
	if err := Write(dir, Values{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("written over: %v", err)
	}
}

// env is an environment of one variable, such as A=b.
func env(one string) func(string) string {
	name, value, _ := strings.Cut(one, "=")
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}
