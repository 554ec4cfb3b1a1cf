package serve

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start serves handler at a port of this machine until stop is called, which waits for
// the end.
func start(t *testing.T, s *Server, handler http.HandlerFunc) (addr string, stop func()) {
	t.Helper()
	s.Handler, s.Log = handler, quiet()
	addr, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, time.Minute) }()
	return addr, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the end: %v", err)
		}
	}
}

// At the end nobody new is let in, and who is in is answered.
func TestServerEndsAfterItsRequests(t *testing.T) {
	in, goOn := make(chan struct{}), make(chan struct{})
	addr, stop := start(t, &Server{}, func(w http.ResponseWriter, r *http.Request) {
		close(in)
		<-goOn
		io.WriteString(w, "whole")
	})
	got := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + addr)
		if err != nil {
			got <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		got <- string(text)
	}()
	<-in
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	for { // until the port is closed
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case <-ended:
		t.Error("ended before its request")
	default:
	}
	close(goOn)
	if text := <-got; text != "whole" {
		t.Errorf("the request in hand got %q", text)
	}
	<-ended
}

// Who sends a request bit by bit, or a head without end, is cut off, and holds up nobody.
func TestServerCutsOff(t *testing.T) {
	t.Parallel()
	addr, stop := start(t, &Server{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	defer stop()
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	long, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	io.WriteString(long, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 2*maxHeader)+"\r\n\r\n")
	answer, _ := io.ReadAll(long)
	if !strings.Contains(string(answer), "431") {
		t.Errorf("a head of %d bytes: %.80q, want 431", 2*maxHeader, answer)
	}
	if got, err := http.Get("http://" + addr); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("somebody else: %v", err)
	}
	began := time.Now()
	slow.SetReadDeadline(began.Add(4 * headerWithin))
	if _, err := io.ReadAll(slow); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a request that does not come is waited for longer than %s", 4*headerWithin)
	}
}

// A certificate that is renewed is used without a restart; while its files are of no use,
// the one before is.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	var log bytes.Buffer
	c := &Certificate{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }}
	if err := c.Load(); err == nil {
		t.Fatal("files that are not there were read")
	}
	writePair(t, c, "first.example.org")
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	if got := nameIn(t, c); got != "first.example.org" {
		t.Errorf("got %s", got)
	}
	writePair(t, c, "second.example.org")
	if got := nameIn(t, c); got != "first.example.org" {
		t.Errorf("looked at again within %s: %s", lookEvery, got)
	}
	now = now.Add(lookEvery)
	if got := nameIn(t, c); got != "second.example.org" {
		t.Errorf("after a renewal: %s", got)
	}
	if err := os.WriteFile(c.CertFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	if got := nameIn(t, c); got != "second.example.org" || !strings.Contains(log.String(), "not read again") {
		t.Errorf("with half a file: %s\n%s", got, &log)
	}
	writePair(t, c, "third.example.org")
	if err := c.Load(); err != nil || nameIn(t, c) != "third.example.org" {
		t.Errorf("after SIGHUP: %v", err)
	}
	os.Chmod(c.KeyFile, 0o644)
	if err, loose := errors.AsType[*LooseKeyError](c.Load()); !loose {
		t.Errorf("a key that everybody may read: %v", err)
	}
}

// TLS ends here where there is a certificate, and plain http is no answer.
func TestServerWithCertificate(t *testing.T) {
	dir := t.TempDir()
	c := &Certificate{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Log: quiet(), Now: time.Now}
	pool := x509.NewCertPool()
	pool.AddCert(writePair(t, c, "localhost"))
	if err := c.Load(); err != nil {
		t.Fatal(err)
	}
	addr, stop := start(t, &Server{Cert: c}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	defer stop()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "HTTP/2.0" {
		t.Errorf("got %q", text)
	}
	if plain, err := http.Get("http://" + addr); err == nil && plain.StatusCode < 400 {
		t.Errorf("plain http: %d", plain.StatusCode)
	}
}

// writePair makes a certificate of a name for itself.
func writePair(t *testing.T, c *Certificate, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{SerialNumber: serial, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{c.CertFile: {Type: "CERTIFICATE", Bytes: der}, c.KeyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func nameIn(t *testing.T, c *Certificate) string {
	t.Helper()
	got, err := c.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(got.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.DNSNames[0]
}
