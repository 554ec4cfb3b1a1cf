package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A measured is one process that was measured.
type measured struct {
	Size    string                   `json:"cohort"` // participants x days
	Program string                   `json:"program"`
	What    string                   `json:"what"`
	Run     int                      `json:"run"`
	Spent   spent                    `json:"spent"`
	Landed  *landed                  `json:"landed,omitempty"`
	Rows    int64                    `json:"rows,omitempty"`   // of egvs, where nothing has landed in a lake
	Stages  map[string]time.Duration `json:"stages,omitempty"` // of the floor: CPU
	People  int                      `json:"people,omitempty"` // of a sync
	News    int                      `json:"news,omitempty"`   // of them, with records
	Calls   int                      `json:"calls,omitempty"`
}

func (m measured) rows() int64 {
	if m.Landed != nil {
		return m.Landed.Rows["egvs"]
	}
	return m.Rows
}

// micros is CPU a row.
func (m measured) micros() float64 { return perRow(m.Spent.CPU, m.rows()) }

func perRow(seconds float64, rows int64) float64 { return 1e6 * seconds / float64(max(rows, 1)) }

type speeds []measured

// of are those of a kind.
func (s speeds) of(size, what string) (of speeds) {
	for _, m := range s {
		if m.Size == size && m.What == what {
			of = append(of, m)
		}
	}
	return of
}

// kinds are the values of a property, in order of appearance.
func (s speeds) kinds(of func(measured) string) (kinds []string) {
	for _, m := range s {
		if k := of(m); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func (s speeds) by(program string) speeds {
	return slices.DeleteFunc(slices.Clone(s), func(m measured) bool { return m.Program != program })
}

// median is that of a quantity.
func (s speeds) median(of func(measured) float64) float64 {
	values := make([]float64, len(s))
	for i, m := range s {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (s speeds) mean(of func(measured) float64) (sum float64) {
	for _, m := range s {
		sum += of(m) / float64(len(s))
	}
	return sum
}

func (s speeds) print(to io.Writer) {
	fmt.Fprintf(to, "\n%s, %s/%s, %d processors; medians of %d\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *speedRuns)
	if *speedPeers != "" {
		s.printPeers(to)
		return
	}
	s.printWholes(to)
	s.printLanded(to)
	s.printFloors(to)
	s.printSyncs(to)
}

// head begins a table for Markdown.
func head(to io.Writer, columns string) {
	fmt.Fprintf(to, "\n| %s |\n|%s\n", columns, strings.Repeat("---|", 1+strings.Count(columns, "|")))
}

// each calls do for everything measured of one size, kind and program.
func (s speeds) each(whats []string, do func(of speeds, m measured)) {
	for _, size := range s.kinds(func(m measured) string { return m.Size }) {
		for _, what := range whats {
			of := s.of(size, what)
			for _, program := range of.kinds(func(m measured) string { return m.Program }) {
				do(of.by(program), of.by(program)[0])
			}
		}
	}
}

func (s speeds) printWholes(to io.Writer) {
	head(to, "cohort | what | program | EGV rows | wall s | rows/s | CPU s | CPU µs/row | of the floor | peak MB")
	s.each([]string{"backfill", "replay"}, func(of speeds, m measured) {
		wall := of.median(func(m measured) float64 { return m.Spent.Wall })
		of.row(to, m, "%s | %.2f | %s | %.2f | %.2f | %.2f | %.0f", thousands(m.rows()), wall, thousands(int64(float64(m.rows())/wall)),
			of.median(func(m measured) float64 { return m.Spent.CPU }), of.median(measured.micros), s.floor(m.Size, m.What)/of.median(measured.micros),
			of.median(func(m measured) float64 { return float64(m.Spent.Peak) / 1e6 }))
	})
}

// row writes one row of a table.
func (s speeds) row(to io.Writer, m measured, format string, values ...any) {
	fmt.Fprintf(to, "| %s | %s | %s | "+format+" |\n", append([]any{m.Size, m.What, m.Program}, values...)...)
}

// floor is the CPU a row that a backfill, or a replay, cannot go below.
func (s speeds) floor(size, what string) (sum float64) {
	stages := []string{"decode into columns", "write egvs", "write glucose"}
	if what == "replay" {
		stages = append(stages, "read from the log")
	} else {
		stages = append(stages, "receive", "append to the log")
	}
	for _, stage := range stages {
		sum += s.of(size, "floor").stage(stage)
	}
	return sum
}

// printPeers says how others compare with the first program.
func (s speeds) printPeers(to io.Writer) {
	wall, cpu := func(m measured) float64 { return m.Spent.Wall }, func(m measured) float64 { return m.Spent.CPU }
	head(to, "cohort | what | program | EGV rows | wall s | times dexetl's | CPU s | times dexetl's | peak MB")
	s.each([]string{"backfill", "peer"}, func(of speeds, m measured) {
		first := s.of(m.Size, "backfill")
		first = first.by(first[0].Program)
		of.row(to, m, "%s | %.2f | %.1f | %.2f | %.1f | %.0f", thousands(m.rows()), of.median(wall), of.median(wall)/first.median(wall),
			of.median(cpu), of.median(cpu)/first.median(cpu), of.median(func(m measured) float64 { return float64(m.Spent.Peak) / 1e6 }))
	})
}

func (s speeds) stage(name string) float64 {
	return s.median(func(m measured) float64 { return perRow(m.Stages[name].Seconds(), m.rows()) })
}

func (s speeds) printLanded(to io.Writer) {
	head(to, "cohort | what | program | egvs B/row | glucose B/row | egvs files of a month | commits | rows written per row | bytes written per byte | MB written in all")
	s.each([]string{"backfill", "replay", "syncs with news"}, func(of speeds, m measured) {
		rows, bytes := m.Landed.amplified()
		written := "·"
		if m.Spent.Written > 0 {
			written = fmt.Sprintf("%.0f", of.median(func(m measured) float64 { return float64(m.Spent.Written) / 1e6 }))
		}
		of.row(to, m, "%.1f | %.1f | %d | %d | %.2f | %.2f | %s", m.Landed.perRow("egvs"), m.Landed.perRow("glucose"), m.Landed.Files["egvs"],
			m.Landed.Commits, rows, bytes, written)
	})
}

func (s speeds) printFloors(to io.Writer) {
	sizes := s.kinds(func(m measured) string { return m.Size })
	head(to, "floor, CPU µs/row | "+strings.Join(sizes, " | "))
	print := func(name string, of func(size string) float64) {
		fmt.Fprintf(to, "| %s |", name)
		for _, size := range sizes {
			fmt.Fprintf(to, " %.2f |", of(size))
		}
		fmt.Fprintln(to)
	}
	for _, stage := range floorStages {
		print(stage, func(size string) float64 { return s.of(size, "floor").stage(stage) })
	}
	for _, what := range []string{"backfill", "replay"} {
		print("**of "+what+"**", func(size string) float64 { return s.floor(size, what) })
	}
}

func (s speeds) printSyncs(to io.Writer) {
	head(to, "cohort | what | program | participants | with news | calls | wall s | CPU s | CPU ms/participant | peak MB")
	syncs := slices.DeleteFunc(s.kinds(func(m measured) string { return m.What }), func(what string) bool {
		return !strings.HasPrefix(what, "sync ") && what != "quiet sync"
	})
	s.each(syncs, func(of speeds, m measured) {
		cpu := of.mean(func(m measured) float64 { return m.Spent.CPU }) // every second one renews tokens
		of.row(to, m, "%d | %.0f | %.0f | %.2f | %.2f | %.2f | %.0f", m.People, of.mean(func(m measured) float64 { return float64(m.News) }),
			of.mean(func(m measured) float64 { return float64(m.Calls) }), of.mean(func(m measured) float64 { return m.Spent.Wall }), cpu,
			1000*cpu/float64(cmp.Or(m.People, 1)), of.median(func(m measured) float64 { return float64(m.Spent.Peak) / 1e6 }))
	})
}
