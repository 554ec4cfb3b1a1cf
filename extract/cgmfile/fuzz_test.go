package cgmfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

// Whatever a file holds, it is read or refused with a line, alike in whatever
// pieces it comes, and what is read is what the contract says.
func FuzzRead(f *testing.F) {
	for _, test := range refusals() {
		if len(test.text) < 4096 {
			f.Add([]byte(test.text), false)
		}
	}
	good := lf("id;time;gl;note", `a;2024-03-01T00:00:00+01:00;7,8;"two`, `lines ""here"""`, "b;2024-03-01;NA;")
	f.Add([]byte(good), true)
	f.Add([]byte(asUTF16(binary.BigEndian, good+"\U0001f600")), false)
	f.Add([]byte(zipped(good)), false)
	f.Fuzz(func(t *testing.T, text []byte, mmol bool) {
		format := Format{}
		if mmol {
			format.Unit = MmolL
		}
		file, err := format.Read(bytes.NewReader(text))
		again, errAgain := format.Read(iotest.OneByteReader(bytes.NewReader(text)))
		if fmt.Sprint(file, err) != fmt.Sprint(again, errAgain) {
			t.Fatalf("whole: %v, %v\nbyte by byte: %v, %v", file, err, again, errAgain)
		}
		if err != nil {
			checkError(t, err)
			return
		}
		rows := 0
		for _, s := range file.Series {
			rows += len(s.Samples)
			for i, x := range s.Samples {
				if math.IsInf(x.Value, 0) || i > 0 && x.Time <= s.Samples[i-1].Time || x.Line < 2 || s.ID == "" || s.ID != strings.TrimSpace(s.ID) {
					t.Errorf("%q: %+v", s.ID, x)
				}
			}
		}
		if rows == 0 || rows+file.Replaced != file.Rows {
			t.Errorf("%d rows, %d replaced, %d kept", file.Rows, file.Replaced, rows)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*Error](err); ok {
		last := Problem{}
		for _, p := range e.Problems {
			if p.Line < 1 || p.Line < last.Line || p.Line == last.Line && p.Column < last.Column || p.Right == "" {
				t.Errorf("%+v after %+v", p, last)
			}
			last = p
		}
		if len(e.Problems) == 0 || len(e.Problems) > MaxProblems {
			t.Errorf("%d problems", len(e.Problems))
		}
		return
	}
	if u, ok := errors.AsType[*UnitError](err); ok && u.Line > 1 && u.Such > 0 {
		return
	}
	if !strings.HasPrefix(err.Error(), "line ") {
		t.Errorf("%v: names no line", err)
	}
}

// What a reader keeps does not grow with the rows of a file.
func TestReadingsAllocateNothingPerRow(t *testing.T) {
	const rows = 50_000
	text := "id;time;gl;note\n" + strings.Repeat("a;2024-03-01T00:00:00+01:00;107,5;\"x\"\"y\"\n\"b\";2024-03-01;61;\n", rows/2)
	allocs := testing.AllocsPerRun(1, func() {
		n := 0
		for _, err := range (Format{}).Readings(strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != rows {
			t.Fatalf("%d rows, want %d", n, rows)
		}
	})
	if allocs > 200 {
		t.Errorf("%v allocations for %d rows", allocs, rows)
	}
}

// BenchmarkRead reads a year of 20 people at 5 minutes.
func BenchmarkRead(b *testing.B) {
	for name, value := range map[string]string{"plain": "%s,%s,%d\n", "quoted": "\"%s\",\"%s\",\"%d\"\n"} {
		b.Run(name, func(b *testing.B) {
			var text bytes.Buffer
			text.WriteString("id,time,gl\n")
			for i := range 2_000_000 {
				at := int64(i%105_120) * 300
				clock := fmt.Sprintf("2025-%02d-%02d %02d:%02d:00", 1+at/86400/31%12, 1+at/86400%28, at/3600%24, at/60%60)
				fmt.Fprintf(&text, value, fmt.Sprintf("P%03d", i/105_120), clock, 100+i%80)
			}
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				for _, err := range (Format{}).Readings(io.Reader(bytes.NewReader(text.Bytes()))) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
