package tables

import (
	"errors"
	"flag"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/serve/vital"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/transform"
)

var (
	millions = flag.Int("readings", 10, "millions of readings of BenchmarkPersonDay, 100,000 for each person")
	rate     = flag.Int("rate", 100, "requests a second of BenchmarkPersonDay")
	lasts    = flag.Duration("lasts", 20*time.Second, "how long they come at this rate")
)

// perPerson is how many readings each person has: nearly a year.
const perPerson = 100_000

// BenchmarkPersonDay asks for one person's day, any day of anybody, over HTTP: one request
// after the other, and at a rate, whether the ones before were answered or not. Each month
// was asked for once before.
func BenchmarkPersonDay(b *testing.B) {
	s := newSeries(b)
	reader := &frozen.Reader{Study: s.Study}
	b.Cleanup(func() { reader.Close() })
	vital.Timeseries{API: s.API, Reader: reader}.Register()
	paths := s.crowd(*millions * 1_000_000 / perPerson)
	for day := 0; day < perPerson/288; day += 15 { // the first request for a month looks whose its rows are
		check(b, s.day(paths[0], day))
	}
	ask := func(chance *rand.Rand) error {
		return s.day(paths[chance.IntN(len(paths))], chance.IntN(perPerson/288))
	}
	b.Run("one by one", func(b *testing.B) {
		chance, spent := rand.New(rand.NewPCG(1, 1)), cpuTime()
		for b.Loop() {
			check(b, ask(chance))
		}
		b.ReportMetric(float64((cpuTime()-spent).Microseconds())/float64(b.N), "cpu-µs/op")
	})
	b.Run(fmt.Sprintf("rate=%d", *rate), func(b *testing.B) {
		spent := cpuTime()
		var took []time.Duration
		failed := 0
		for b.Loop() {
			took, failed = atRate(*rate, *lasts, ask)
		}
		slices.Sort(took)
		at := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() * 1000 }
		b.ReportMetric(at(0.5), "p50-ms")
		b.ReportMetric(at(0.99), "p99-ms")
		b.ReportMetric(at(1), "max-ms")
		b.ReportMetric(float64(failed), "errors")
		b.ReportMetric(float64(len(took)), "requests")
		b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N)/float64(len(took)), "cpu-ms/request")
	})
}

// BenchmarkTables asks for the whole table of readings in every format.
func BenchmarkTables(b *testing.B) {
	s := newSeries(b)
	s.crowd(*millions * 1_000_000 / perPerson)
	for _, f := range formats() {
		b.Run(f.name, func(b *testing.B) {
			forgetPeak(b)
			spent, bytes := cpuTime(), int64(0)
			for b.Loop() {
				r, err := http.NewRequest(http.MethodGet, s.URL+"/v1/tables/glucose?format="+f.name, nil)
				check(b, err)
				r.Header.Set(api.KeyHeader, s.Key)
				answer, err := http.DefaultClient.Do(r)
				check(b, err)
				n, err := io.Copy(io.Discard, answer.Body)
				check(b, errors.Join(err, answer.Body.Close()))
				bytes += n
			}
			rows := float64(*millions) * 1e6 * float64(b.N)
			b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpuTime()-spent).Nanoseconds())/rows, "cpu-ns/row")
			b.ReportMetric(float64(bytes)/rows, "B/row")
			b.ReportMetric(peakMB(b), "peak-MB")
		})
	}
}

// forgetPeak begins to measure the peak of memory anew.
func forgetPeak(b *testing.B) {
	debug.FreeOSMemory()
	check(b, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
}

// peakMB is the largest resident set since then.
func peakMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	check(b, err)
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kB float64
	_, err = fmt.Sscan(after, &kB)
	check(b, err)
	return kB / 1000
}

// atRate asks so many times a second, and says how long each answer took from when it was
// due.
func atRate(rate int, lasts time.Duration, ask func(*rand.Rand) error) (took []time.Duration, failed int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	began, n := time.Now(), int(lasts.Seconds()*float64(rate))
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		all.Go(func() {
			err := ask(rand.New(rand.NewPCG(2, uint64(i))))
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(due))
			if err != nil {
				failed++
			}
		})
	}
	all.Wait()
	return took, failed
}

// crowd adds people with readings, every five minutes of nearly a year, and returns their
// routes.
func (s *series) crowd(people int) (paths []string) {
	s.T.Helper()
	table, _ := transform.TableNamed("glucose")
	begins := january.AddDate(-1, 0, 0)
	l, err := lake.Open(s.Study.LakePath())
	check(s.T, err)
	guard, err := l.Lock(s.T.Context(), 0, lake.Holder{Command: "test"})
	check(s.T, err)
	defer guard.Unlock()
	c := l.Begin(lake.Manifest{})
	for month := begins; month.Before(begins.Add(perPerson * 5 * time.Minute)); month = month.AddDate(0, 1, 0) {
		w, err := c.Create(table, month.Format("2006-01"), "")
		check(s.T, err)
		for p := range people {
			check(s.T, w.Write(monthOf(table, fmt.Sprintf("Q%05d", p), month, min(month.AddDate(0, 1, 0).Sub(month), begins.Add(perPerson*5*time.Minute).Sub(month)))))
		}
		f, err := w.Close()
		check(s.T, err)
		c.Add(f)
	}
	_, err = c.Finish(s.T.Context(), lake.Manifest{Run: "run"})
	check(s.T, err)
	for p := range people {
		id := fmt.Sprintf("Q%05d", p)
		check(s.T, s.Study.Cohort.AddParticipant(s.T.Context(), cohort.Participant{ID: id, Status: "enrolled"}))
		user, err := s.API.Identities.User(s.T.Context(), id)
		check(s.T, err)
		paths = append(paths, "/v2/timeseries/"+user.String()+"/glucose/grouped?start_date=")
	}
	return paths
}

func monthOf(table transform.Table, id string, from time.Time, lasts time.Duration) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	chance := rand.New(rand.NewPCG(uint64(from.Unix()), crc64.Checksum([]byte(id), crc64.MakeTable(crc64.ISO))))
	for at := from; at.Before(from.Add(lasts)); at = at.Add(5 * time.Minute) {
		for i, c := range table.Columns {
			switch f := b.Field(i).(type) {
			case *array.BinaryDictionaryBuilder:
				if c.Name == participantColumn {
					_ = f.AppendString(id)
				} else if c.Nullable {
					f.AppendNull()
				} else {
					_ = f.AppendString("sent")
				}
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(at.UnixMicro()))
			case *array.Int16Builder:
				f.Append(int16(40 + chance.IntN(360)))
			case *array.BooleanBuilder:
				f.Append(false)
			default:
				f.AppendNull()
			}
		}
	}
	return b.NewRecordBatch()
}

// day asks for one day of somebody.
func (s *series) day(path string, day int) error {
	date := january.AddDate(-1, 0, day).Format(time.DateOnly)
	r, err := http.NewRequest(http.MethodGet, s.URL+path+date+"&end_date="+date, nil)
	if err != nil {
		return err
	}
	r.Header.Set(api.KeyHeader, s.Key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || n < 20_000) {
		err = fmt.Errorf("%d with %d bytes", answer.StatusCode, n)
	}
	return err
}

// cpuTime is what this process, both sides of the connection, has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
