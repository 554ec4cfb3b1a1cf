package main

import (
	"context"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/study"
)

// plainEvery is how often progress is one line where there is no terminal.
const plainEvery = 30 * time.Second

// shown is what a person sees of work that takes long: of fetching a bar with the time
// left on a terminal, a line now and then elsewhere, nothing with --quiet; of the rest, on
// a terminal, that it goes on.
type shown struct {
	p       *program
	label   string
	windows *mpb.Bar // nil where there is no terminal
	said    time.Time
}

// busy shows work until the function returned is called.
func (b *shown) busy(what study.Work) (end func()) {
	words := map[study.Work]string{
		study.Folding: "folding into the lake", study.FoldingAnew: "folding the raw log",
		study.Comparing: "comparing", study.Compacting: "compacting the raw log", study.ErasingWork: "erasing", study.Verifying: "verifying",
	}
	if label, ok := words[what]; ok {
		return b.p.spin(label)
	}
	b.label, b.windows, b.said = string(what), nil, time.Now()
	if b.p.flags.quiet || !isTerminal(b.p.stderr) {
		return func() {}
	}
	all := mpb.NewWithContext(context.Background(), mpb.WithOutput(b.p.stderr), mpb.WithWidth(48))
	b.windows = all.AddBar(0,
		mpb.PrependDecorators(decor.Name(b.label+" "), decor.CountersNoUnit("%d/%d windows")),
		mpb.AppendDecorators(decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done")))
	return func() {
		b.windows.SetTotal(-1, true) // also before everything is done
		all.Wait()
	}
}

// fetched is told after every answer.
func (b *shown) fetched(now extract.Progress) {
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

// spin shows on a terminal that something goes on whose length nobody knows,
// until the function returned is called.
func (p *program) spin(label string) (end func()) {
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
