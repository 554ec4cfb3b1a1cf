package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A part that fails says so, is tried again, and answers once it is up.
func TestPartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var tries atomic.Int64
		var up atomic.Bool
		p := &Part{Name: "pages", Log: quiet(), Changed: up.Store, Work: func(ctx context.Context, ready func(http.Handler)) error {
			switch tries.Add(1) {
			case 1:
				return errors.New("no texts")
			case 2:
				panic("broken")
			}
			ready(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }))
			<-ctx.Done()
			return nil
		}}
		ended := make(chan struct{})
		go func() { p.Run(ctx); close(ended) }()
		synctest.Wait()
		for try := int64(1); try <= 2; try++ {
			if code, _ := get(t, p, "/i/x"); code != http.StatusServiceUnavailable || tries.Load() != try || up.Load() {
				t.Errorf("after try %d of %d: %d, up: %t", try, tries.Load(), code, up.Load())
			}
			time.Sleep(againAfter)
			synctest.Wait()
		}
		if code, body := get(t, p, "/i/x"); code != http.StatusOK || body != "page" || !up.Load() {
			t.Errorf("when it is up: %d %q", code, body)
		}
		cancel()
		<-ended
		if code, _ := get(t, p, "/i/x"); code != http.StatusServiceUnavailable || up.Load() {
			t.Errorf("after its end: %d", code)
		}
	})
}
