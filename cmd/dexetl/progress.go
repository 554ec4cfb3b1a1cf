package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/dexetl/dexetl/extract"
)

// plainEvery is how often progress is one line where there is no terminal.
const plainEvery = 30 * time.Second

// bars show how far a run is: a bar with the time left on a terminal, a line
// now and then elsewhere, nothing with --quiet.
type bars struct {
	p       *program
	label   string
	windows *mpb.Bar // nil where there is no terminal
	all     *mpb.Progress
	said    time.Time
}

func (p *program) newBars(label string) *bars {
	b := &bars{p: p, label: label, said: time.Now()}
	if p.flags.quiet || !isTerminal(p.stderr) {
		return b
	}
	b.all = mpb.NewWithContext(context.Background(), mpb.WithOutput(p.stderr), mpb.WithWidth(48))
	b.windows = b.all.AddBar(0,
		mpb.PrependDecorators(decor.Name(label+" "), decor.CountersNoUnit("%d/%d windows")),
		mpb.AppendDecorators(decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")))
	return b
}

// fetched is told after every answer.
func (b *bars) fetched(now extract.Progress) {
	if b.windows != nil {
		b.windows.SetTotal(int64(now.Planned), false)
		b.windows.SetCurrent(int64(now.Fetched))
		return
	}
	if time.Since(b.said) >= plainEvery {
		b.said = time.Now()
		b.p.say("%s: %d of %d participants, %d of %d windows, %s records, %s", b.label,
			now.ParticipantsDone, now.Participants, now.Fetched, now.Planned, thousands(int64(now.Records)), megabytes(now.Bytes))
	}
}

// close ends the display; it may be called before everything is done.
func (b *bars) close() {
	if b.windows != nil {
		b.windows.SetTotal(-1, true)
		b.all.Wait()
	}
}

// spin shows on a terminal that something goes on whose length nobody knows,
// until the function returned is called.
func (p *program) spin(label string) (stop func()) {
	if p.flags.quiet || !isTerminal(p.stderr) {
		return func() {}
	}
	all := mpb.New(mpb.WithOutput(p.stderr), mpb.WithWidth(3))
	spinner := all.AddSpinner(0, mpb.PrependDecorators(decor.Name(label+" "), decor.Elapsed(decor.ET_STYLE_GO)), mpb.BarRemoveOnComplete())
	return func() {
		spinner.SetTotal(-1, true)
		all.Wait()
	}
}

// isTerminal reports whether w is a terminal that a person looks at.
func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
