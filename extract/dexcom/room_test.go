package dexcom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Bodies that grow at once, each piece waiting for room, all come to their end, and
// never take more than there is and one of them may.
func TestRoomNeverLocks(t *testing.T) {
	for _, bytes := range []int64{0, 1, 7, 10, 25, 1000} {
		synctest.Test(t, func(t *testing.T) {
			r := NewRoom(bytes)
			var g sync.WaitGroup
			for n := range 20 {
				g.Go(func() {
					p := &place{room: r}
					for range 10 {
						if err := p.take(t.Context(), 1); err != nil {
							t.Error(err)
						}
						r.mu.Lock()
						if r.free < -10 || r.free > bytes {
							t.Errorf("room of %d: %d free", bytes, r.free)
						}
						r.mu.Unlock()
						time.Sleep(time.Duration(n) * time.Millisecond)
					}
					p.leave()
				})
			}
			g.Wait() // deadlock is the end of the test
			if r.free != bytes || r.elder != nil || len(r.waiting) > 0 {
				t.Errorf("room of %d in the end: %+v", bytes, r)
			}
		})
	}
}

// Who waits in vain takes nothing and keeps nobody behind waiting, and a large claim
// is not overtaken for ever by small ones.
func TestRoomServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRoom(10)
		holds, elder := &place{room: r}, &place{room: r}
		if !holds.tryTake(8) || !elder.tryTake(20) {
			t.Fatal("what is free, or set apart, is not had")
		}
		r.back(elder, 19) // it has 1 of 10, and the others 8
		var served []string
		wait := func(name string, ctx context.Context, bytes int64) {
			go func() {
				p := &place{room: r}
				err := p.take(ctx, bytes)
				if (err != nil) != (name == "gives up") || err != nil && p.bytes != 0 {
					t.Errorf("%s: %v, has %d", name, err, p.bytes)
				}
				served = append(served, name)
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait("gives up", ctx, 5)
		wait("large", t.Context(), 6)
		wait("small", t.Context(), 1)
		cancel()
		synctest.Wait()
		if got := strings.Join(served, ", "); got != "gives up" {
			t.Errorf("served %q, want only who gives up", got)
		}
		for _, want := range []string{"gives up, large", "gives up, large, small"} {
			holds.give(min(5, holds.bytes)) // 6 are free, then 3
			synctest.Wait()
			if got := strings.Join(served, ", "); got != want {
				t.Errorf("served %q, want %q", got, want)
			}
		}
	})
}

// A client whose room another answer has waits for it as long as it takes, and gives
// its own back whatever comes of the answer.
func TestDoWaitsForRoom(t *testing.T) {
	good, bad := payload(t, "egvs.json"), []byte("<html>")
	for name, test := range map[string]struct {
		body   []byte
		header string
		fails  bool
	}{
		"plain": {good, "", false}, "packed": {zipped(good), "gzip", false}, "no answer": {bad, "", true}, "not packed": {good, "gzip", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := NewRoom(0)
			elder := &place{room: r}
			elder.tryTake(1)
			c := &Client{BaseURL: "https://api.example.com", Room: r, Timeout: time.Minute}
			c.HTTP = &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				h := http.Header{"Content-Encoding": {test.header}}
				return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader(string(test.body))), ContentLength: -1}, nil
			})}
			done := make(chan error)
			for range 3 {
				go func() {
					answer, err := c.Do(t.Context(), token, march)
					if err == nil {
						err = answer.Take(t.Context(), 3)
					}
					answer.Release()
					answer.Release()
					done <- err
				}()
			}
			time.Sleep(time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := c.Do(ctx, token, march); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: a context that ends while there is no room: %v", name, err)
			}
			elder.leave()
			for range 3 {
				if err := <-done; (err != nil) != test.fails {
					t.Errorf("%s: %v; want an error: %t", name, err, test.fails)
				}
			}
			if r.free != 0 || r.elder != nil || len(r.waiting) > 0 {
				t.Errorf("%s: room in the end: %+v", name, r)
			}
		})
	}
}

// What a server says of itself in headers and broken answers is told in a few words.
func TestDoIsBrief(t *testing.T) {
	long := strings.Repeat("\x1b]0;x", 1<<15)
	for name, answer := range map[string]string{
		"type":     "HTTP/1.1 200 OK\r\nContent-Type: " + strings.Repeat("x", 1<<17) + "/y\r\n\r\n",
		"encoding": "HTTP/1.1 200 OK\r\nContent-Encoding: " + strings.Repeat("x", 1<<17) + "\r\n\r\n",
		"status":   "HTTP/1.1 2" + long + "\r\n\r\n",
		"no HTTP":  long + "\r\n\r\n",
		"headers":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<17) + "\r\n",
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, answer)
			conn.Close()
		})
		c.HTTP = nil
		_, err := c.Do(t.Context(), token, march)
		if err == nil || len(err.Error()) > 400 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %.1000q; want an error of few printable words", name, fmt.Sprint(err))
		}
	}
}
