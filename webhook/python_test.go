package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
)

var python = flag.String("python", "", "a Python with standardwebhooks and svix; without it TestPythonVerifies is skipped")

// Others' libraries take what is sent over HTTP for signed, and nothing that was changed.
func TestPythonVerifies(t *testing.T) {
	if *python == "" {
		t.Skip("-python names none")
	}
	b := newBench(t)
	defer b.store.Close()
	b.endpoints.AllowPrivate = true
	var mu sync.Mutex
	var lines bytes.Buffer
	var good, bad []string
	count := 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		check(t, err)
		headers := make(map[string]string)
		for name := range r.Header {
			headers[name] = r.Header.Get(name)
		}
		mu.Lock()
		defer mu.Unlock()
		check(t, json.NewEncoder(&lines).Encode(map[string]any{"headers": headers, "body": string(body), "good": good, "bad": bad}))
		count++
	}))
	defer server.Close()
	e, secret, err := b.endpoints.Add(t.Context(), Endpoint{URL: server.URL, Rights: access.Rights{Unblinded: true, Notes: true}}, "")
	check(t, err)
	good, bad = []string{string(secret)}, []string{string(newSecret())}
	send := func(want int) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		d := b.deliverer()
		d.Transport, d.Every = nil, 20*time.Millisecond
		go func() {
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				mu.Lock()
				if count == want {
					cancel()
				}
				mu.Unlock()
			}
		}()
		d.Run(ctx)
	}
	b.happens(Created(Glucose), "P001", "P002", "P003")
	b.happens(Created(Note), "P001")
	send(4)
	_, fresh, err := b.endpoints.Rotate(t.Context(), e.ID, "")
	check(t, err)
	mu.Lock()
	good = append(good, string(fresh))
	mu.Unlock()
	b.happens(SnapshotCreated, "")
	send(5)
	if count != 5 {
		t.Fatalf("%d deliveries, want 5", count)
	}
	path := filepath.Join(t.TempDir(), "deliveries.jsonl")
	check(t, os.WriteFile(path, lines.Bytes(), 0o600))
	out, err := exec.Command(*python, "../testdata/interop/verify_webhooks.py", path).CombinedOutput()
	if t.Logf("%s", out); err != nil {
		t.Errorf("%v", err)
	}
}
