package webhook

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A panic while the outbox is filled, or while something is sent, is logged and ends
// nothing: others get their events, and it is tried again.
func TestPanicEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("a.example", unblinded)
		b.add("b.example", unblinded)
		var sent atomic.Int64
		b.net.on("a.example", func(received) answered {
			if sent.Add(1) == 1 {
				panic("while sending")
			}
			return answered{status: 200}
		})
		fills, ups := 0, []bool(nil)
		var log bytes.Buffer
		d := b.deliverer()
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		d.Changed = func(up bool) { ups = append(ups, up) }
		d.Fill = func(context.Context) error {
			if fills++; fills <= 2 {
				panic("while filling")
			}
			return nil
		}
		b.happens(Created(Glucose), "P001", "P002")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		d.Run(ctx)
		if a, other := bodies(b.net.to("a.example"), "P001"), bodies(b.net.to("b.example"), "P001"); len(a) == 0 || len(other) != 1 || sent.Load() != 3 {
			t.Errorf("events of P001 at a: %v, at b: %v; %d tries at a", a, other, sent.Load())
		}
		if fills < 3 || len(ups) < 4 || ups[0] || ups[1] || !ups[2] || ups[len(ups)-1] {
			t.Errorf("%d fills, up: %v", fills, ups)
		}
		for _, text := range []string{"while filling", "while sending"} {
			if strings.Count(log.String(), "panic: "+text) != 1 || !strings.Contains(log.String(), "stack=") {
				t.Errorf("the log about a panic %s:\n%s", text, log.String())
			}
		}
	})
}
