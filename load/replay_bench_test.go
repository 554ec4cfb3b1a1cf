package load

import "testing"

// BenchmarkReplay folds the same log into a lake anew, and compares.
func BenchmarkReplay(b *testing.B) {
	w := newWorld(b, b.TempDir())
	records := w.backfill(20, 90)
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(Study{})
	since := cpuTime(b)
	for b.Loop() {
		r, err := k.Replay(b.Context(), Study{}, "RUN")
		if err != nil || r.Tables["egvs"].Added != records {
			b.Fatalf("Replay: %+v, %v", r, err)
		}
		if d, err := r.Diff(b.Context()); err != nil || len(d.Rows) > 0 {
			b.Fatalf("Diff: %+v, %v", d, err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-since)/float64(b.N*records), "cpu-ns/record")
}
