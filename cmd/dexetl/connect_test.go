package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// unconnected is a bench whose roster nobody has consented for.
func unconnected(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, dexsim.Config{Seed: 2, Participants: 3, Days: 5})
	b.dir += "-fresh"
	b.must("init", b.dir, "--base-url", b.url)
	b.must("participants", "add", "P001", "P002", "--start", "2026-04-01")
	b.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(t)
	return b
}

// freeRedirect is a redirect URI at a port that nobody listens at.
func freeRedirect(t testing.TB) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return "http://" + free.Addr().String() + "/callback"
}

// A browser opens the address that connect prints and returns the page at
// which it arrives.
type browser func(address string) (page string)

func visit(t testing.TB, more string) browser {
	return func(address string) string {
		response, err := http.Get(address + more)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		return string(page)
	}
}

// connect runs `dexetl connect ID --print-url` while someone opens the address.
func (b *bench) connect(id string, someone browser, more ...string) (code int, page, stderr string) {
	b.t.Helper()
	stdout, output := io.Pipe()
	arrived := make(chan string)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		if line = strings.TrimSpace(line); line == "" {
			arrived <- ""
			return
		}
		arrived <- someone(line)
	}()
	var errs bytes.Buffer
	code = b.start(append([]string{"connect", id, "--print-url"}, more...), strings.NewReader(""), output, &errs)
	output.Close()
	return code, <-arrived, errs.String()
}

func TestConnectInTheBrowser(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := unconnected(t)
	code, page, stderr := b.connect("P001", visit(t, "&user=P001"))
	if code != exitDone || !strings.Contains(stderr, "P001 is connected") {
		t.Fatalf("connect P001: exit %d, want 0\n%s", code, stderr)
	}
	if strings.Contains(page, "P001") || !strings.Contains(strings.ToLower(page), "<html") {
		t.Errorf("the page the participant sees names the participant or is no page:\n%s", page)
	}
	b.must("backfill", "P001")
	if n := b.query("select count(*) from glucose")[0][0]; n == "0" {
		t.Error("no reading arrived after connect and backfill")
	}
}

// What stops a consent is told in words, with an exit code and a next step,
// and a consent that was refused can be begun again.
func TestConnectRefused(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	forged := func(address string) string {
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		back := at.Query().Get("redirect_uri") + "?code=0123456789abcdef0123456789abcdef&state=forged"
		page := visit(t, "")(back)
		visit(t, "&user=P001&deny=1")(address) // ends the wait
		return page
	}
	for _, test := range []struct {
		name    string
		someone browser
		code    int
		says    string
	}{
		{"the person says no", visit(t, "&user=P001&deny=1"), exitConsent, "P001"},
		{"somebody forges a state", forged, exitConsent, "P001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := unconnected(t)
			code, _, stderr := b.connect("P001", test.someone)
			if code != test.code || !strings.Contains(stderr, test.says) || !strings.Contains(stderr, "next: ") {
				t.Errorf("connect P001: exit %d, want %d with %q and a next step\n%s", code, test.code, test.says, stderr)
			}
			if code, _, stderr := b.connect("P001", visit(t, "&user=P001")); code != exitDone {
				t.Errorf("connect P001 again: exit %d, want 0\n%s", code, stderr)
			}
		})
	}
}

// One Dexcom account is never two participants at once.
func TestConnectSomebodyElsesAccount(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := unconnected(t)
	if code, _, stderr := b.connect("P001", visit(t, "&user=P001")); code != exitDone {
		t.Fatalf("connect P001: exit %d\n%s", code, stderr)
	}
	code, _, stderr := b.connect("P002", visit(t, "&user=P001"))
	if code != exitUsage || !strings.Contains(stderr, "P001") {
		t.Errorf("connect P002 with the account of P001: exit %d, want %d and the other's name\n%s", code, exitUsage, stderr)
	}
}

// --manual takes the address at which the browser arrived from standard input.
func TestConnectByPasting(t *testing.T) {
	atOnce(t)
	t.Parallel()
	b := unconnected(t)
	stdin, pasted := io.Pipe()
	stderr, errs := io.Pipe()
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http") {
				arrived, err := dexsim.SignIn(t.Context(), line, "P002")
				if err != nil {
					t.Error(err)
				}
				go io.WriteString(pasted, arrived+"\n") // read only after the next line of errs
			}
		}
	}()
	var stdout bytes.Buffer
	code := b.start([]string{"connect", "P002", "--manual"}, stdin, &stdout, errs)
	errs.Close()
	if code != exitDone || !strings.Contains(stdout.String(), "P002") {
		t.Errorf("connect P002 --manual: exit %d, want 0\n%s", code, stdout.String())
	}
}
