package raw

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A told is what an entry says of itself.
type told struct {
	Header
	Position, Next Position
	Body           string // or why there is none
}

func tell(t fataler, e Entry) told {
	t.Helper()
	body, err := e.Plain()
	var dropped *DroppedError
	switch {
	case errors.As(err, &dropped):
		body = fmt.Appendf(nil, "dropped, %d rejected", dropped.Rejected)
	case err != nil:
		t.Fatalf("Plain of %s at %s: %v", e.RequestID, e.Position, err)
	}
	return told{e.Header, e.Position, e.Next, string(body)}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func tellAll(t fataler, l *Log, from Position) (all []told) {
	t.Helper()
	for e, err := range l.Entries(from) {
		if err != nil {
			t.Fatalf("Entries(%s): %v", from, err)
		}
		all = append(all, tell(t, e))
	}
	return all
}

func keepAll(Entry) Fate { return Fate{} }

// compactAll compacts all segments but the last.
func compactAll(t fataler, l *Log, fate func(Entry) Fate) (sum Compaction) {
	t.Helper()
	list, err := l.Segments()
	if err != nil {
		t.Fatalf("Segments: %v", err)
	}
	for _, s := range list[:max(0, len(list)-1)] {
		c, err := l.Compact(context.Background(), s.Number, fate)
		if err != nil {
			t.Fatalf("Compact(%d): %v", s.Number, err)
		}
		sum.Add(c)
	}
	return sum
}

// hour is the answer to the nth hourly question for the last hours of a person:
// most of it was in the answers before.
func hour(person string, n int) string {
	var records []string
	for i := 12 * n; i > 12*(n-7); i-- {
		r := rand.New(rand.NewPCG(uint64(i+1000), uint64(len(person))+uint64(person[len(person)-1])))
		records = append(records, fmt.Sprintf(`{"recordId":"%08x-%04x-%012x","systemTime":"%s","value":%d,"trend":"flat","transmitterId":"%s"}`,
			r.Uint32(), r.Uint32N(1<<16), r.Uint64()>>16, asked.Add(time.Duration(i)*5*time.Minute).Format(time.RFC3339), 100+r.IntN(50), person))
	}
	return `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[` + strings.Join(records, ",") + `]}`
}

// hourly fills a log with hourly answers for a few people, in segments of about
// size bytes, and one answer in a segment of its own behind them.
func hourly(t testing.TB, dir string, people, hours int, size int64) *Log {
	t.Helper()
	l := open(t, dir)
	l.maxSegment = size
	for n := range hours {
		for p := range people {
			h := header(fmt.Sprintf("%03d-%02d", n, p))
			h.ParticipantID = fmt.Sprintf("P%03d", p)
			h.AskedAt = asked.Add(time.Duration(n) * time.Hour)
			mustAppend(t, l, h, gzipped(t, []byte(hour(h.ParticipantID, n))))
		}
	}
	must(t, l.Seal(asked.AddDate(1, 0, 0)))
	mustAppend(t, l, header("last"), nil)
	return l
}

// Whatever was appended reads back equal after compaction, from the start and
// from every position, and by entries that were read before it; only bodies that
// were to be dropped are gone. And the log goes on.
func TestCompactedReadsBack(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		var logs [2]*Log // another process, as it were
		for i := range logs {
			if logs[i], err = Open(dir); err != nil {
				rt.Fatal(err)
			}
			defer logs[i].Close()
			noSync(logs[i]).maxSegment = int64(rapid.SampledFrom([]int{500, 2000, 10000}).Draw(rt, "segment"))
			logs[i].spanSize = int64(rapid.SampledFrom([]int{1, 300, 1 << 20}).Draw(rt, "span"))
		}
		for range rapid.IntRange(1, 25).Draw(rt, "appends") {
			appendAnything(rt, t, logs[rapid.IntRange(0, 1).Draw(rt, "handle")])
		}
		fates := map[string]Fate{}
		var before []told
		var entries []Entry
		for e, err := range logs[0].Entries(Position{}) {
			if err != nil {
				rt.Fatal(err)
			}
			entries, before = append(entries, e), append(before, tell(rt, e))
			fates[e.Position.String()] = Fate{rapid.Bool().Draw(rt, "drop"), rapid.IntRange(0, 3).Draw(rt, "rejected")}
		}
		c := compactAll(rt, logs[0], func(e Entry) Fate { return fates[e.Position.String()] })
		want, dropped := slices.Clone(before), 0
		last := before[len(before)-1].Position.Segment
		for i, was := range want {
			if f := fates[was.Position.String()]; f.Drop && was.Position.Segment < last {
				want[i].Body = fmt.Sprintf("dropped, %d rejected", f.Rejected)
				dropped++
			}
		}
		if c.Dropped != dropped {
			rt.Fatalf("Compact: %d dropped, want %d", c.Dropped, dropped)
		}
		for i, from := range append([]Position{{}}, positions(want)...) {
			if diff := cmp.Diff(want[max(0, i-1):], tellAll(rt, logs[i%2], from)); diff != "" {
				rt.Fatalf("entries from %s (-want +got):\n%s", from, diff)
			}
		}
		for i, e := range entries {
			if diff := cmp.Diff(want[i], tell(rt, e)); diff != "" {
				rt.Fatalf("entry read before compaction (-want +got):\n%s", diff)
			}
			if got := tellAll(rt, logs[0], e.Next); len(got) != len(entries)-i-1 {
				rt.Fatalf("Entries(%s): %d, want %d", e.Next, len(got), len(entries)-i-1)
			}
		}
		appendAnything(rt, t, logs[1])
		if n := len(tellAll(rt, logs[0], Position{})); n != len(want)+1 {
			rt.Fatalf("%d entries after another append, want %d", n, len(want)+1)
		}
	})
}

func positions(all []told) (at []Position) {
	for _, e := range all {
		at = append(at, e.Position)
	}
	return at
}

// appendAnything appends an answer with a header and a body that stretch the
// format.
func appendAnything(rt *rapid.T, t *testing.T, l *Log) {
	text := rapid.SampledFrom([]string{"", "a", "a", "b", "P001", strings.Repeat("long ", 50), "\x00\n\"é"})
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return rapid.SampledFrom([]time.Time{
			{}, asked, asked.Truncate(time.Second), asked.AddDate(-30, 0, 0), asked.Add(time.Microsecond), time.Unix(0, 0),
			time.Date(9999, 1, 1, 0, 0, 0, 999999000, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
		}).Draw(t, "time")
	})
	number := rapid.SampledFrom([]int{0, 1, 200, 1 << 40, -1})
	h := Header{
		RequestID: text.Draw(rt, "id"), RunID: text.Draw(rt, "run"), ParticipantID: text.Draw(rt, "participant"),
		ConnectionID: text.Draw(rt, "connection"), Resource: text.Draw(rt, "resource"), Beat: text.Draw(rt, "beat"),
		WindowStart: moment.Draw(rt, "start"), WindowEnd: moment.Draw(rt, "end"), LastSync: moment.Draw(rt, "last"),
		ServerDate: moment.Draw(rt, "server"), AskedAt: moment.Filter(func(t time.Time) bool { return t.Year() > 1969 && t.Year() < 2100 }).Draw(rt, "asked"),
		Status: number.Draw(rt, "status"), Records: number.Draw(rt, "records"),
	}
	record := rapid.SampledFrom([]string{"{", "}", `{"a":1},`, `{"a":2},`, `{"b":"` + strings.Repeat("x", 90) + `"},`, " ", "[",
		`{"id":"0123abcd-4567-89ef-0123-456789abcdef"},`, "89ef-0123-", "\x00"})
	body := []byte(strings.Join(rapid.SliceOfN(record, 0, 12).Draw(rt, "body"), ""))
	if rapid.Bool().Draw(rt, "gzip") {
		body = gzipped(t, body)
	}
	if _, err := l.Append(context.Background(), h, body); err != nil {
		rt.Fatalf("Append: %v", err)
	}
}

// What hourly answers repeat costs next to nothing, though it is hours and other
// people's answers away.
func TestCompactionFindsRepetitions(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	const people = 20
	l := hourly(t, t.TempDir(), people, 24, 64<<20)
	c := compactAll(t, l, keepAll)
	records := int64(people * 12 * (24 + 6))
	t.Logf("%d answers: %d bytes to %d, %d a record", c.Answers, c.Before, c.After, c.After/records)
	if c.Segments != 1 || c.Answers != people*24 || c.After*4 > c.Before || c.After > 40*records {
		t.Errorf("Compact: %+v; want a quarter and 40 bytes a record (%d)", c, 40*records)
	}
	again := compactAll(t, l, keepAll)
	if again != (Compaction{}) {
		t.Errorf("Compact again: %+v, want nothing", again)
	}
}

// Ids come back as they were, whatever is around them.
func TestIDs(t *testing.T) {
	t.Parallel()
	const id = "0123abcd-4567-89ef-0123-456789abcdef"
	for _, tt := range []struct {
		content string
		ids     byte
	}{
		{"", 0}, {"-", 0}, {id[1:], 0}, {id, 1}, {id + id, 2}, {"x" + id, 1}, {"-" + id + "-", 1}, {"a" + id, 1}, {id[:20] + id, 1},
		{strings.ToUpper(id), 0}, {id[:35] + "g" + id[:35], 0}, {`{"a":"` + id + `","b":"` + id + `"}`, 2}, {"\x00" + id, 0}, {"12345678-" + id, 1},
	} {
		b := takeIDs([]byte(tt.content))
		if b[0] != tt.ids {
			t.Errorf("takeIDs(%q): %d ids, want %d", tt.content, b[0], tt.ids)
		}
		back, err := putIDs(b, int64(len(tt.content)))
		if err != nil || string(back) != tt.content {
			t.Errorf("putIDs(takeIDs(%q)) = %q, %v", tt.content, back, err)
		}
		if _, err := putIDs(b, int64(len(tt.content))+1); err == nil {
			t.Errorf("putIDs(takeIDs(%q)) of another length: no error", tt.content)
		}
	}
}

// Segments that are open, unknown or damaged stay as they are.
func TestCompactRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 2, 4, 64<<20)
	for _, number := range []uint64{0, 2, 3} {
		if _, err := l.Compact(t.Context(), number, keepAll); err == nil {
			t.Errorf("Compact(%d): no error; there are segments 1 and 2, which is open", number)
		}
	}
	list, err := segments(dir)
	must(t, err)
	whole, err := os.ReadFile(list[0].path)
	must(t, err)
	for _, at := range []int{30, 200, len(whole) / 2, len(whole) - 30, len(whole) - 3} {
		bad := slices.Clone(whole)
		bad[at] ^= 1
		overwrite(t, list[0].path, bad)
		var damage *DamageError
		if _, err := l.Compact(t.Context(), 1, func(Entry) Fate { return Fate{Drop: true} }); !errors.As(err, &damage) {
			t.Errorf("Compact with byte %d flipped: %v; want a *DamageError, dropped or not", at, err)
		}
		checkKept(t, list[0].path, bad)
	}
	overwrite(t, list[0].path, whole)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = l.Compact(ctx, 1, func(Entry) Fate { cancel(); return Fate{} })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Compact, cancelled: %v", err)
	}
	checkKept(t, list[0].path, whole)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(list[0].path), "*.compacting")); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// A header that has more in it than this program knows would lose it.
func TestCompactKeepsHeadersOfNewerPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := hourly(t, dir, 1, 1, 64<<20)
	list, err := segments(dir)
	must(t, err)
	head := []byte(`{"request_id":"1","mood":"good","participant_id":"P","connection_id":"C","resource":"egvs","status":200,"asked_at":"2026-03-31T23:59:58Z"}`)
	p := prefix{entryMagic, uint32(len(head)), 0, checksum(head), checksum(nil)}
	segment := append(p.append(segmentHeader(1)), head...)
	overwrite(t, list[0].path, prefix{magic: endMagic}.append(segment))
	_, err = l.Compact(t.Context(), 1, keepAll)
	if err == nil || !strings.Contains(err.Error(), "newer dexetl") {
		t.Errorf("Compact: %v; want a refusal that asks for a newer program", err)
	}
}
