package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A part that fails says so, is tried again, and answers once it is up.
func TestPartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		tries, up := 0, false
		p := &Part{Name: "pages", Log: quiet(), Changed: func(now bool) { up = now }, Work: func(ctx context.Context, ready func(http.Handler)) error {
			tries++
			switch tries {
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
		for try := 1; try <= 2; try++ {
			if code, _ := get(t, p, "/i/x"); code != http.StatusServiceUnavailable || tries != try || up {
				t.Errorf("after try %d of %d: %d, up: %t", try, tries, code, up)
			}
			time.Sleep(againAfter)
			synctest.Wait()
		}
		if code, body := get(t, p, "/i/x"); code != http.StatusOK || body != "page" || !up {
			t.Errorf("when it is up: %d %q", code, body)
		}
		cancel()
		<-ended
		if code, _ := get(t, p, "/i/x"); code != http.StatusServiceUnavailable || up {
			t.Errorf("after its end: %d", code)
		}
	})
}
