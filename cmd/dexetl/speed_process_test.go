package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A spent is what a process has used: seconds, and bytes. Written is what it gave
// the file system to write, the raw log, the state and the snapshot included.
type spent struct {
	Wall    float64 `json:"wall_s"`
	CPU     float64 `json:"cpu_s"` // user and system
	Peak    int64   `json:"peak_bytes"`
	Written int64   `json:"written_bytes"`
}

// spend runs a command to its end, which must be a good one.
func spend(t *testing.T, command *exec.Cmd) (spent, []byte) {
	t.Helper()
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	began := time.Now()
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", command.Args, err, &errs)
	}
	wall := time.Since(began)
	used := command.ProcessState.SysUsage().(*syscall.Rusage)
	return spent{
		Wall: wall.Seconds(), CPU: (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(),
		Peak: used.Maxrss << 10, Written: used.Oublock << 9,
	}, out.Bytes()
}

// asCommand is a command of TestMain in the test program at path.
func asCommand(path, name string, args ...string) *exec.Cmd {
	command := exec.Command(path, args...)
	command.Args[0] = name
	return command
}

// profileVariable names the file that speed-profile, which is dexetl, writes a CPU
// profile to.
const profileVariable = "DEXETL_TEST_PROFILE"

func mainProfile() {
	to, err := os.Create(os.Getenv(profileVariable))
	if err == nil {
		err = pprof.StartCPUProfile(to)
	}
	if err != nil {
		panic(err)
	}
	code := standing().run(os.Args)
	pprof.StopCPUProfile()
	os.Exit(code)
}

// A servedApart is an API in another process.
type servedApart struct {
	t   *testing.T
	url string
	now time.Time // by the clocks of it and its clients
}

// serveApart starts the API for people and days of data, and hours after demoNow.
func serveApart(t *testing.T, self string, people, days, hours int) *servedApart {
	t.Helper()
	command := asCommand(self, "speed-server", strconv.Itoa(people), strconv.Itoa(days), strconv.Itoa(hours))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe() // the API ends with it
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = command.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s := &servedApart{t: t, url: strings.TrimSpace(line)}
	s.at(0)
	return s
}

// at lets it be so long after demoNow.
func (s *servedApart) at(after time.Duration) {
	s.t.Helper()
	s.now = demoNow.Add(after)
	s.ask("/speed/now", url.Values{"at": {s.now.Format(time.RFC3339)}})
}

// ask posts a form, or without one gets, and returns what comes back.
func (s *servedApart) ask(path string, form url.Values) []byte {
	s.t.Helper()
	answer, err := http.Get(s.url + path)
	if form != nil {
		answer, err = http.PostForm(s.url+path, form)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v\n%s", path, answer.Status, err, &body)
	}
	return body.Bytes()
}

// access is an access token for everybody.
func (s *servedApart) access() map[string]string {
	s.t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(s.ask("/sim/tokens.csv", nil))).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	tokens := make(map[string]string)
	for _, line := range lines[1:] {
		var got struct {
			Token string `json:"access_token"`
		}
		body := s.ask("/v2/oauth2/token", url.Values{
			"client_id": {dexsim.DefaultClientID}, "client_secret": {dexsim.DefaultClientSecret},
			"grant_type": {"refresh_token"}, "refresh_token": {line[1]}, "redirect_uri": {"http://localhost:8085/callback"},
		})
		if err := json.Unmarshal(body, &got); err != nil {
			s.t.Fatal(err)
		}
		tokens[line[0]] = got.Token
	}
	return tokens
}

// A contender is one build of dexetl, a test program, at work on one study.
type contender struct {
	name, path string
	dir        string   // of the study
	only       []string // resources that are asked for; none: all
	api        *servedApart
}

// run runs it in its study, under the clock of the API.
func (c *contender) run(args ...string) (spent, []byte) { return c.runAs("dexetl-at", args...) }

func (c *contender) runAs(name string, args ...string) (spent, []byte) {
	c.api.t.Helper()
	command := asCommand(c.path, name, append([]string{"--study", c.dir, "--json"}, args...)...)
	command.Env = append(os.Environ(), clockVariable+"="+c.api.now.Format(time.RFC3339), "DEXETL_SYNC_RESOURCES="+strings.Join(c.only, ","))
	return spend(c.api.t, command)
}

// begin makes a study of everybody whom the API has, in a new folder below dir.
func (c *contender) begin(dir string) {
	t := c.api.t
	t.Helper()
	c.dir = filepath.Join(dir, "study")
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.RemoveAll(c.dir))
	file := func(name string) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, c.api.ask("/sim/"+name, nil), 0o600))
		return path
	}
	c.run("init", c.dir, "--base-url", c.api.url)
	c.run("participants", "import", file("roster.csv"))
	c.run("connect", "--import", file("tokens.csv"))
}

// selfOr is the test program that runs, where no other is named.
func selfOr(t *testing.T, path string) string {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return cmp.Or(path, self)
}
