package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// From `dexetl invite` through the page behind the link and Dexcom's login to
// the page at the end. Ctrl-C ends the server, whose output names
// participants and no link.
func TestInvitedParticipantConnects(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := unconnected(t)
	base := strings.TrimSuffix(b.env["DEXETL_API_REDIRECT_URI"], "/callback")
	b.env["DEXETL_CONNECT_PUBLIC_URL"] = base
	links := make(map[string]string)
	for _, line := range strings.Split(b.must("invite", "P001", "P002", "--csv", "-"), "\n")[1:3] {
		cells := strings.Split(line, ",")
		links[cells[0]] = cells[1]
	}

	ctx, stop := context.WithCancel(t.Context())
	stdout, output := io.Pipe()
	var errs bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: output, stderr: &sharedWriter{to: &errs},
		getenv: func(name string) string { return b.env[name] }, now: func() time.Time { return b.now }}
	served := make(chan error, 1)
	go func() {
		served <- p.command().Run(ctx, []string{"dexetl", "--study", b.dir, "connect", "--serve", strings.TrimPrefix(base, "http://"), "-v"})
		output.Close()
	}()
	listening := make([]byte, len(base))
	if _, err := io.ReadFull(stdout, listening); err != nil || string(listening) != base {
		t.Fatalf("connect --serve prints %q, %v, want %q", listening, err, base)
	}
	go io.Copy(io.Discard, stdout)

	for id, more := range map[string]string{"P001": "&user=P001", "P002": "&user=P002&deny=1"} {
		someone := newVisitor(t)
		got := someone.open(links[id])
		if !strings.Contains(got, "<button") || strings.Contains(got, id) {
			t.Errorf("page behind the link of %s:\n%s", id, got)
		}
		login := someone.press(links[id], got)
		if at := someone.open(login); !strings.Contains(at, "Simulated Dexcom") {
			t.Fatalf("the button of %s leads to\n%s", id, at)
		}
		someone.open(login + more)
	}
	list := b.must("invite", "list")
	stop()
	if err := <-served; err != nil {
		t.Errorf("connect --serve, stopped: %v", err)
	}
	for _, want := range []string{"P001", "connected", "P002", "denied"} {
		if !strings.Contains(list, want) {
			t.Errorf("invite list lacks %q:\n%s", want, list)
		}
	}
	said := errs.String()
	for _, want := range []string{"P001 opened the link", "P001 went on to Dexcom", "P001 is connected: ", "P002 chose not to share"} {
		if !strings.Contains(said, want) {
			t.Errorf("connect --serve does not say %q:\n%s", want, said)
		}
	}
	for _, link := range links {
		if token := link[strings.LastIndex(link, "/")+1:]; strings.Contains(said, token) {
			t.Errorf("connect --serve -v shows a link:\n%s", said)
		}
	}
	if list := b.must("invite", "--all-missing", "--csv", "-"); strings.Contains(list, "P001") || strings.Contains(list, "P002") {
		t.Errorf("invite --all-missing invites who is connected, or who said no:\n%s", list)
	}
}

// A visitor is somebody with a browser, which keeps cookies.
type visitor struct {
	t      *testing.T
	client http.Client
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, http.Client{Jar: jar}}
}

// open returns the page with which the browser ends up.
func (v *visitor) open(address string) (page string) {
	v.t.Helper()
	response, err := v.client.Get(address)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.read(response)
}

func (v *visitor) read(response *http.Response) string {
	v.t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return string(body)
}

// press presses the button of the page behind a link, and returns the address of
// the login to which it leads.
func (v *visitor) press(link, page string) (login string) {
	v.t.Helper()
	client := v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.PostForm(link, hiddenFields(page))
	if err != nil {
		v.t.Fatal(err)
	}
	response.Body.Close()
	return response.Header.Get("Location")
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([0-9a-f]+)">`)

// hiddenFields are what the form of a page sends by itself.
func hiddenFields(page string) url.Values {
	form := url.Values{}
	for _, input := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(input[1], input[2])
	}
	return form
}

// Which browser opens an address is the user's choice, and the address is one
// argument of it, whatever characters it has.
func TestBrowserCommands(t *testing.T) {
	const address = "https://api.dexcom.com/v2/oauth2/login?client_id=a&state=$(b);c"
	for _, test := range []struct {
		goos, env string
		want      [][]string
	}{
		{"linux", "", nil},
		{"linux", "DISPLAY=:0", [][]string{{"xdg-open", address}}},
		{"linux", "WAYLAND_DISPLAY=wayland-0", [][]string{{"xdg-open", address}}},
		{"linux", "BROWSER=firefox --private-window:w3m", [][]string{{"firefox", "--private-window", address}, {"w3m", address}}},
		{"linux", "BROWSER=open-it --url=%s --wait", [][]string{{"open-it", "--url=" + address, "--wait"}}},
		{"darwin", "", [][]string{{"open", address}}},
		{"windows", "", [][]string{{"rundll32", "url.dll,FileProtocolHandler", address}}},
	} {
		name, value, _ := strings.Cut(test.env, "=")
		getenv := func(n string) string {
			if n == name {
				return value
			}
			return ""
		}
		if got := browserCommands(test.goos, getenv, address); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("browserCommands(%s, %s) = %q, want %q", test.goos, test.env, got, test.want)
		}
	}
}

// No shell sees the address, and a browser that is missing is no fault.
func TestLaunch(t *testing.T) {
	dir := t.TempDir()
	script, seen := filepath.Join(dir, "browser"), filepath.Join(dir, "seen")
	if err := syscall.Mkfifo(seen, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$#:$1\" > "+seen+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := launch([]string{filepath.Join(dir, "missing"), "x"}); err == nil {
		t.Error("a browser that is not there was launched")
	}
	address := "http://127.0.0.1/?a=1&b=$(touch " + dir + "/harm);"
	if err := launch([]string{script, address}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(seen) // waits for the script
	if got := strings.TrimSpace(string(text)); err != nil || got != "1:"+address {
		t.Errorf("the browser got %q, %v, want one argument %q", got, err, address)
	}
}
