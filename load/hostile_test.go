package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/transform"
)

// several writes n of a text, with their number in the place of #.
func several(n int, text string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return b.String()
}

// hostileRecords are lists of records, by what is wrong with them.
func hostileRecords() map[string]string {
	const good = `"recordId":"r#","systemTime":"2026-03-05T18:04:55Z","displayTime":"2026-03-05T18:04:55Z"`
	long := strings.Repeat("x", hostileBytes)
	digits := strings.Repeat("7", hostileBytes/20)
	within := func(members string) string { return "{" + strings.ReplaceAll(good, "#", "") + "," + members + "}" }
	return map[string]string{
		"names in one":          within(several(hostileNames, `"n#":0`)),
		"names in many":         several(hostileMany, `{`+good+`,"n#":0,"trend":"t#","displayDevice":"d#"}`),
		"one name in one":       within(several(hostileNames, `"n":0`)),
		"one known name in one": within(several(hostileNames, `"recordId":"r"`)),
		"one id":                several(hostileMany, `{"recordId":"r","systemTime":"2026-03-05T18:04:55Z","value":#}`),
		"rejects":               several(hostileMany, `{`+good+`,"transmitterTicks":"a#"}`),
		"rejects of words":      several(hostileMany, `["a#","b#",{"recordId":#}]`),
		"transmitters":          several(hostileMany, `{`+good+`,"transmitterId":"t#","transmitterTicks":#,"value":100}`),
		"depth":                 within(`"n":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)),
		"numbers":               within(`"value":` + digits + `,"n":` + digits + `,"transmitterTicks":` + digits),
		"text":                  within(`"n":"` + long + `"`),
		"an id":                 `{"recordId":"` + long + `","systemTime":"2026-03-05T18:04:55Z"}`,
		"elements":              within(`"n":[` + several(hostileMany, `{"#":[]}`) + `]`),
		"schedules":             several(hostileDevices, `{"transmitterId":"t#","alertSchedules":[`+several(100, `{"alertSettings":[{},{}],"new":"x"}`)+`]}`),
		"one device":            several(hostileDevices, `{"transmitterId":"t","alertSchedules":[`+several(100, `{"alertSettings":[{},{}],"new":"x"}`)+`]}`),
		"empty devices":         several(hostileMany, `{"transmitterId":"t#"}`),
		"months":                several(10, months()),
	}
}

// months are records in many months.
func months() string {
	var records []string
	for i := range hostileMonths {
		at := time.Date(2010, time.Month(2+i), 3, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
		records = append(records, fmt.Sprintf(`{"recordId":"r#-%d","systemTime":%q,"value":100}`, i, at))
	}
	return strings.Join(records, ",")
}

// One hostile answer keeps nobody behind it waiting: the fold takes it, or holds it,
// in time, and comes to the same in whatever steps.
func TestHostileAnswers(t *testing.T) {
	oneAfterTheOther(t)
	for name, records := range hostileRecords() {
		resources := []string{"egvs"}
		switch name {
		case "schedules", "one device", "empty devices":
			resources = []string{"devices"}
		case "one known name in one", "text":
			resources = []string{"egvs", "devices"}
		case "an id":
			resources = []string{"egvs", "events"}
		}
		for _, resource := range resources {
			t.Run(name+" of "+resource, func(t *testing.T) { foldHostile(t, resource, records) })
		}
	}
}

func foldHostile(t *testing.T, resource, records string) {
	began := cpuTime(t)
	w := newWorld(t, t.TempDir())
	w.answer("P1", "C1", resource, at(1, "00:00:00"), at(30, "00:00:00"), records)
	w.answer("P1", "C1", resource, at(1, "00:00:00"), at(30, "00:00:00"))
	w.answer("P1", "C1", "egvs", at(1, "00:00:00"), at(9, "00:00:00"), egv("good", at(2, "00:05:00"), 110))
	w.answer("P2", "C2", "egvs", at(1, "00:00:00"), at(9, "00:00:00"), egv("good", at(2, "00:05:00"), 110))
	study := Study{Participants: []Participant{{ID: "P1"}, {ID: "P2"}}}
	k := w.tank("lake", 0)
	defer k.unlock()
	r := k.load(study)
	if r.Applied+r.Held != 4 || r.Held > 1 {
		t.Errorf("%d answers applied, %d held; want 4, at most 1 of them held", r.Applied, r.Held)
	}
	if len(r.Warnings) > maxWarnings {
		t.Errorf("%d warnings", len(r.Warnings))
	}
	if n := len(k.rows("glucose", "participant_id", "time_utc")); n == 0 {
		t.Error("no reading came of the good answers")
	}
	steps := w.tank("steps", 1)
	defer steps.unlock()
	steps.load(study)
	d, err := Diff(context.Background(), Side{k.Lake, k.current()}, Side{steps.Lake, steps.current()})
	if err != nil || !d.Identical() {
		t.Errorf("answer by answer it is another lake: %+v, %v", d.Totals(), err)
	}
	if took := cpuTime(t) - began; took > time.Minute {
		t.Errorf("it took %s", took)
	}
}

// However many texts there are that are too long, none comes into a table, where it
// would be read again with every later answer; what is as long as it may be does.
func TestHostileTexts(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	const each = hostileTexts // of every resource
	for over, limit := range []int{dexcom.MaxTextBytes, dexcom.MaxTextBytes + 1} {
		w := newWorld(t, t.TempDir())
		n := 0
		for resource, field := range map[string]string{"egvs": "trend", "events": "eventSubType", "calibrations": "recordId", "alerts": "alertName", "devices": "displayApp"} {
			for range each / 500 {
				var records []string
				for range 500 {
					n++
					records = append(records, fmt.Sprintf(`{"systemTime":"2026-03-05T18:04:55Z",%q:"%0*d"}`, field, limit, n))
				}
				w.answer("P1", "C1", resource, at(1, "00:00:00"), at(30, "00:00:00"), records...)
			}
		}
		k := w.tank("lake", 0)
		r := k.load(Study{Participants: []Participant{{ID: "P1"}}})
		if r.Held > 0 || r.Rejected != over*n || len(k.rows("rejects", "reject_id")) != over*n {
			t.Errorf("texts of %d bytes: %d records rejected, %d answers held; want %d, 0", limit, r.Rejected, r.Held, over*n)
		}
		for table, column := range map[string]string{"egvs": "trend", "events": "event_subtype", "calibrations": "record_id", "alerts": "alert_name", "devices": "display_app"} {
			if rows := k.rows(table, column); len(rows) != each*(1-over) || over == 0 && len(rows[0]) != len(column)+1+limit {
				t.Errorf("texts of %d bytes: %d rows of %s, want %d", limit, len(rows), table, each*(1-over))
			}
		}
		k.unlock()
	}
}

// cpuTime is how long this process has computed: a busy machine is no hostile answer.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// A body in the log that is longer than any that is taken is held, and is not
// unpacked for it.
func TestLongBodyIsHeld(t *testing.T) {
	oneAfterTheOther(t)
	w := newWorld(t, t.TempDir())
	blanks := strings.Repeat(" ", dexcom.DefaultMaxBody)
	header := raw.Header{ParticipantID: "P1", ConnectionID: "C1", Resource: "egvs", WindowStart: at(1, "00:00:00"), WindowEnd: at(9, "00:00:00")}
	page := `{"recordType":"egvs","recordVersion":"3.0","userId":"u","records":[` + egv("a", at(2, "00:00:00"), 100) + `]}`
	w.append(header, page+blanks)
	w.append(header, zipped(page+blanks))
	w.append(header, page)
	k := w.tank("lake", 0)
	defer k.unlock()
	if r := k.load(Study{}); r.Held != 2 || r.Applied != 1 {
		t.Errorf("%d answers held, %d applied; want 2, 1", r.Held, r.Applied)
	}
	want := fmt.Sprintf("outcome=held held_reason=more than %d bytes", dexcom.DefaultMaxBody)
	sameText(t, "requests", k.rows("requests", "outcome", "held_reason"), []string{"outcome=applied held_reason=-", want, want})
}

// A context that ends, ends a fold that is on its way, and nothing of the commit in
// hand is seen.
func TestFoldStops(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.answer("P1", "C1", "egvs", at(1, "00:00:00"), at(30, "00:00:00"), hostileRecords()["transmitters"])
	k := w.tank("lake", 0)
	defer k.unlock()
	for _, after := range []int64{0, 3, 1000, hostileMany * 9 / 10} {
		ctx := newCountdown(after)
		if r, err := k.Load(ctx, Study{}, "RUN"); !errors.Is(err, context.Canceled) || r.Commits > 0 {
			t.Errorf("a context that ends when it is asked the %dth time: %d commits, %v", after, r.Commits, err)
		}
	}
	if r := k.load(Study{}); r.Applied != 1 {
		t.Errorf("after that: %+v", r)
	}
}

// A countdown is a context that ends when it was asked so many times.
type countdown struct {
	context.Context
	left atomic.Int64
	end  func()
	done chan struct{}
}

func newCountdown(left int64) *countdown {
	c := &countdown{Context: context.Background(), done: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.done) })
	c.left.Store(left)
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) >= 0 {
		return nil
	}
	c.end()
	return context.Canceled
}

func (c *countdown) Done() <-chan struct{} { return c.done }

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// A reject that is too long to be told whole stays or goes with a withdrawal by the
// time in it, wherever in the record that stands.
func TestLongRejectsAndWithdrawal(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.answer("P1", "C1", "alerts", at(1, "00:00:00"), at(30, "00:00:00"),
		`{"recordId":"before","pad":"`+strings.Repeat("x", 300_000)+`","systemTime":"2026-03-04T00:00:00Z"}`,
		`{"recordId":"after","pad":"`+strings.Repeat("x", 300_000)+`","systemTime":"2026-03-06T00:00:00Z"}`)
	k := w.tank("lake", 0)
	defer k.unlock()
	if r := k.load(Study{}); r.Rejected != 2 || len(k.rows("rejects")) != 2 {
		t.Fatalf("%d rejected, want 2", r.Rejected)
	}
	study := Study{Withdrawals: []Withdrawal{{"P1", at(5, "00:00:00"), w.time}}}
	k.load(study)
	for _, row := range k.rows("rejects", "raw", "raw_bytes", "reason") {
		if !strings.Contains(row, `"recordId":"before"`) || !strings.Contains(row, "reason=record is too long") || len(row) > 4200 {
			t.Errorf("rejects: %.100s", row)
		}
	}
	if n := len(k.rows("rejects")); n != 1 {
		t.Errorf("%d rejects after the withdrawal, want the one before it", n)
	}
}

// However many different warnings there are, a result has few, and counts all.
func TestResultHasFewWarnings(t *testing.T) {
	r := Result{Tables: make(map[string]Counts)}
	for step := range 30 {
		var more []transform.Warning
		for n := range 100 {
			more = append(more, transform.Warning{Field: fmt.Sprintf("f%d.%d", step%20, n), Count: 1})
		}
		r.Add(Result{Warnings: more, Unnamed: 7})
	}
	sum := r.Unnamed
	for _, w := range r.Warnings {
		sum += w.Count
	}
	if len(r.Warnings) > maxWarnings || sum != 30*107 {
		t.Errorf("%d warnings, %d times; want at most %d, %d times", len(r.Warnings), sum, maxWarnings, 30*107)
	}
}
