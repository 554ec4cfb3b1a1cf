package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkBacklog sends ten thousand queued events of about 2 kB, of 3 people, over HTTP
// to an endpoint that takes them at once.
func BenchmarkBacklog(b *testing.B) {
	for b.Loop() {
		w := newBench(b)
		w.endpoints.AllowPrivate = true
		var got atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
		_, _, err := w.endpoints.Add(context.Background(), Endpoint{URL: server.URL, Rights: unblinded}, "")
		check(b, err)
		f, err := w.outbox.Fill(context.Background())
		check(b, err)
		for i := range int64(10_000) {
			e, err := subjectOf(fmt.Sprintf("P%03d", 1+i%3)).NewEvent(i+1, Created(Glucose), "0", w.store.Now(), strings.Repeat("x", 2000))
			check(b, err)
			check(b, f.Put(context.Background(), e))
		}
		check(b, f.Done(context.Background(), 10_000))
		ctx, cancel := context.WithCancel(context.Background())
		d := w.deliverer()
		d.Transport = nil
		began := time.Now()
		done := make(chan struct{})
		go func() { d.Run(ctx); close(done) }()
		for got.Load() < 10_000 {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/10000")
		cancel()
		<-done
		server.Close()
		w.store.Close()
	}
	var used syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	b.ReportMetric(float64(used.Maxrss)/1024, "peak-MB")
}
