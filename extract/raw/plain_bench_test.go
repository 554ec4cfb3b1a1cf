package raw

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plainPage is a body of n records that came plain, about as alike as those of a
// month are.
func plainPage(n int) []byte {
	chance := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"0123456789abcdef","records":[`)
	for i := range n {
		at := asked.AddDate(0, 0, -i/288).Format("2006-01-02")
		fmt.Fprintf(&b, `{"recordId":"%016x-%016x","systemTime":"%sT%02d:%02d:41Z","displayTime":"%sT%02d:%02d:41-08:00","transmitterId":"%064x",`+
			`"transmitterTicks":%d,"value":%d,"trend":"flat","trendRate":%.1f,"unit":"mg/dL","rateUnit":"mg/dL/min","displayDevice":"iOS"},`,
			chance.Uint64(), chance.Uint64(), at, i/12%24, i*5%60, at, i/12%24, i*5%60, 1<<40, 864000-300*i, 70+chance.IntN(200), chance.Float64())
	}
	return []byte(strings.TrimSuffix(b.String(), ",") + `]}`)
}

// BenchmarkAppendPlain appends a month of readings that came plain: hashed, packed,
// written.
func BenchmarkAppendPlain(b *testing.B) {
	const records = 8640
	l, body, n := open(b, b.TempDir()), plainPage(records), 0
	b.SetBytes(int64(len(body)))
	since := cpuTime()
	for b.Loop() {
		n++
		if _, err := l.Append(b.Context(), header(fmt.Sprint(n)), body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-since)/float64(b.N*records), "cpu-ns/record")
}

// BenchmarkPlain reads such an answer back: unpacked, and compared with its hash.
func BenchmarkPlain(b *testing.B) {
	const records = 8640
	l, body := open(b, b.TempDir()), plainPage(records)
	e, err := l.Append(b.Context(), header("1"), body)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	since := cpuTime()
	for b.Loop() {
		if got, err := e.Plain(); err != nil || len(got) != len(body) {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(cpuTime()-since)/float64(b.N*records), "cpu-ns/record")
}

// cpuTime is what this process has used of all processors, which a busy machine does
// not change.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
