package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

const publicRedirect = "https://consent.example.org/callback"

// proxied is unconnected with a redirect URI that other machines reach.
func proxied(t *testing.T) (b *bench, listen string) {
	t.Helper()
	b = openBench(t, dexsim.Config{Seed: 2, Participants: 3, Days: 5, End: demoNow, RedirectURIs: []string{publicRedirect}}, demoNow)
	b.must("participants", "add", "P001", "P002", "--start", "2026-04-01")
	b.env["DEXETL_API_REDIRECT_URI"] = publicRedirect
	at, err := url.Parse(freeRedirect(t))
	if err != nil {
		t.Fatal(err)
	}
	return b, at.Host
}

// behindProxy is a browser that gets to listen where it asks for the public
// address, and keeps the one cookie it gets.
type behindProxy struct {
	t      *testing.T
	listen string
	cookie string
}

func (v *behindProxy) send(method, address string, form url.Values) (location, page string) {
	at := strings.Replace(address, "https://consent.example.org", "http://"+v.listen, 1)
	r, err := http.NewRequestWithContext(v.t.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Error(err)
		return "", ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", v.cookie)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		v.t.Error(err)
		return "", ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Error(err)
	}
	if set := response.Header.Get("Set-Cookie"); set != "" {
		v.cookie, _, _ = strings.Cut(set, ";")
	}
	return response.Header.Get("Location"), string(body)
}

// Whoever comes back to an address that others reach is asked by connect too, and
// status says so; without a yes nobody is connected.
func TestConnectAsksAtAPublicAddress(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		code int
		says string
	}{
		"yes": {exitDone, "P001 is connected"},
		"no":  {exitConsent, "whoever signed in says that it was not meant"},
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			b, listen := proxied(t)
			var status, list, page string
			someone := func(address string) string {
				v := &behindProxy{t: t, listen: listen}
				back, _ := v.send(http.MethodGet, address+"&user=P002", nil)
				to, _ := v.send(http.MethodGet, back, nil)
				if to != "/callback" {
					t.Errorf("another browser is sent to %q, want the address without the code", to)
				}
				_, page = v.send(http.MethodGet, publicRedirect, nil)
				_, status, _ = b.run("status", "P001")
				_, list, _ = b.run("invite", "list")
				form := hiddenFields(page)
				form.Set("answer", answer)
				_, end := v.send(http.MethodPost, publicRedirect, form)
				return end
			}
			code, end, stderr := b.connect("P001", someone, "--listen", listen)
			if code != want.code || !strings.Contains(stderr, want.says) {
				t.Errorf("connect P001, answered %s: exit %d, want %d and %q\n%s", answer, code, want.code, want.says, stderr)
			}
			if !strings.Contains(page, "Is this your own Dexcom account?") || !strings.Contains(page, "Your glucose readings") || strings.Contains(page+end, "P00") {
				t.Errorf("the question:\n%s", page)
			}
			if !strings.Contains(status, "is asked for 15 minutes") || !strings.Contains(status, "none") || strings.Contains(status, "connected") {
				t.Errorf("status while the question waits:\n%s", status)
			}
			if !strings.Contains(list, "is being asked") {
				t.Errorf("invite list while the question waits:\n%s", list)
			}
		})
	}
}

// Where only browsers of this machine come back nobody is asked, whichever it is.
func TestConnectOnThisMachineAsksNobody(t *testing.T) {
	t.Parallel()
	b := unconnected(t)
	code, page, stderr := b.connect("P001", visit(t, "&user=P001"))
	if code != exitDone || !strings.Contains(page, "Thank you") || strings.Contains(stderr, "plain http") {
		t.Errorf("connect P001: exit %d\n%s\n%s", code, stderr, page)
	}
}

// To listen beyond this machine is said, with what has to stand in front.
func TestServingBeyondThisMachineIsSaid(t *testing.T) {
	t.Parallel()
	for listen, said := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			b := unconnected(t)
			b.env["DEXETL_CONNECT_PUBLIC_URL"] = "https://consent.example.org"
			b.env["DEXETL_API_REDIRECT_URI"] = publicRedirect
			ctx, stop := context.WithCancel(t.Context())
			stdout, output := io.Pipe()
			var errs bytes.Buffer
			p := &program{stdin: strings.NewReader(""), stdout: output, stderr: &sharedWriter{to: &errs},
				getenv: func(name string) string { return b.env[name] }, now: func() time.Time { return b.now }}
			served := make(chan error, 1)
			go func() {
				served <- p.command().Run(ctx, []string{"dexetl", "--study", b.dir, "connect", "--serve", listen})
				output.Close()
			}()
			first := make([]byte, len("http://"))
			if _, err := io.ReadFull(stdout, first); err != nil || string(first) != "http://" {
				t.Fatalf("connect --serve prints %q, %v", first, err)
			}
			go io.Copy(io.Discard, stdout)
			stop()
			if err := <-served; err != nil {
				t.Fatalf("connect --serve %s = %v", listen, err)
			}
			got := errs.String()
			if (strings.Contains(got, "plain http, no TLS, at port ") && strings.Contains(got, "TLS has to end at a proxy in front")) != said {
				t.Errorf("connect --serve %s says, want that it is plain http: %t\n%s", listen, said, got)
			}
		})
	}
}
