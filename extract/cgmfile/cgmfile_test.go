package cgmfile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// show is a file as a test reads it: person, UTC, wall clock where it differs,
// value.
func show(f File) (rows []string) {
	for _, s := range f.Series {
		for _, x := range s.Samples {
			row := s.ID + " " + time.UnixMicro(x.Time).UTC().Format("2006-01-02 15:04:05.999999")
			if s.HasOffset {
				row += fmt.Sprintf(" %+dmin", x.Offset/60)
			}
			rows = append(rows, fmt.Sprintf("%s %v", row, x.Value))
		}
	}
	return rows
}

func lf(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

func asUTF16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// One file in every dialect has the same readings.
func TestDialects(t *testing.T) {
	t.Parallel()
	plain := lf("id,time,gl", "Zoë 1,2024-02-29 23:55:00,61.5", "Zoë 1,2024-03-01 00:00:00,NA", "b,2024-03-01 00:00:00,250")
	semicolon := strings.ReplaceAll(plain, ",", ";")
	want := []string{"Zoë 1 2024-02-29 23:55:00 61.5", "Zoë 1 2024-03-01 00:00:00 NaN", "b 2024-03-01 00:00:00 250"}
	for name, text := range map[string]string{
		"plain":                       plain,
		"semicolons":                  semicolon,
		"decimal comma":               strings.ReplaceAll(semicolon, "61.5", "61,5"),
		"tabs":                        strings.ReplaceAll(plain, ",", "\t"),
		"tabs and decimal comma":      strings.ReplaceAll(strings.ReplaceAll(plain, ",", "\t"), "61.5", "61,50"),
		"CR LF":                       strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                          strings.ReplaceAll(plain, "\n", "\r"),
		"no end of the last line":     strings.TrimSuffix(plain, "\n"),
		"byte order mark":             "\ufeff" + plain,
		"UTF-16 LE":                   asUTF16(binary.LittleEndian, plain),
		"UTF-16 LE, marked":           asUTF16(binary.LittleEndian, "\ufeff"+plain),
		"UTF-16 BE":                   asUTF16(binary.BigEndian, plain),
		"UTF-16 BE, marked, CR LF":    asUTF16(binary.BigEndian, "\ufeff"+strings.ReplaceAll(plain, "\n", "\r\n")),
		"gzip":                        zipped(plain),
		"gzip of UTF-16":              zipped(asUTF16(binary.LittleEndian, "\ufeff"+semicolon)),
		"quotes":                      `"` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(plain), ",", `","`), "\n", "\"\n\"") + `"`,
		"blanks":                      strings.ReplaceAll(plain, ",", " ,\u00a0 "),
		"blanks around quotes":        strings.ReplaceAll(plain, "Zoë 1", ` " Zoë 1 " `),
		"names in capitals":           strings.Replace(plain, "id,time,gl", "ID, Time ,GL", 1),
		"empty lines":                 "\n" + strings.ReplaceAll(plain, "\n", "\n\n  \n,,\n\"\",,\n"),
		"empty cells at the end":      strings.ReplaceAll(plain, "\n", ",,\n"),
		"empty cells in rows only":    strings.ReplaceAll(plain, "\nb", ",,,\nb"),
		"T, slashes":                  strings.ReplaceAll(strings.ReplaceAll(plain, "2024-02-29 ", "2024/2/29T"), "2024-03-01", "2024/03/01"),
		"no seconds, hours of one":    strings.ReplaceAll(plain, "00:00:00", "0:00"),
		"midnight as a date":          strings.ReplaceAll(plain, " 00:00:00", ""),
		"fractions":                   strings.ReplaceAll(plain, ":00,", ":00.000000000,"),
		"another order, more columns": lf(`note,"gl",id,,time`, `"x, ""y""",61.5,Zoë 1,,2024-02-29 23:55:00`, `"two`, `lines",NA,Zoë 1,,2024-03-01 00:00:00`, `,250,b,7,2024-03-01 00:00:00`),
		"exponents and zeros":         strings.NewReplacer("61.5", "+6.15e1", "250", "0250.000000000000").Replace(plain),
	} {
		file, err := Format{}.Read(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := show(file); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Columns of other names are found by those names, whatever else is there.
func TestColumns(t *testing.T) {
	t.Parallel()
	text := lf(`Proband;id;"Zeit, lokal";Sensor (mg/dL)`, "A;1;2024-03-01 00:00:00;100")
	columns, err := ParseColumns(`gl=sensor (mg/dl), ID = Proband ,"time=Zeit, lokal"`)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Format{Columns: columns}.Read(strings.NewReader(text))
	if want := []string{"A 2024-03-01 00:00:00 100"}; err != nil || !slices.Equal(show(file), want) {
		t.Errorf("Read: %q, %v, want %q", show(file), err, want)
	}
	for text, want := range map[string]string{
		"":                "EOF",
		"id":              `id= has no name`,
		"id=":             `id= has no name`,
		"value=x":         `"value=x" is none of id=, time=, gl=`,
		"id=a,time=b,x":   `"x" is none of`,
		"id=a,time=b,id=": `id= has no name`,
		"id=a,id=b":       `id= is there twice`,
		`id="a`:           `bare "`,
	} {
		if _, err := ParseColumns(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseColumns(%q): %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]Unit{"mg/dL": MgdL, "MG/DL": MgdL, "mmol/l": MmolL, " mmol/L": MmolL} {
		if got, err := ParseUnit(text); err != nil || got != want {
			t.Errorf("ParseUnit(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "mmol", "mg%"} {
		if _, err := ParseUnit(text); err == nil {
			t.Errorf("ParseUnit(%q): no error", text)
		}
	}
}

// Offsets make instants of wall clocks; the hour that happens twice is two.
func TestOffsets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2025-10-26T02:30:00+02:00":    "A 2025-10-26 00:30:00 +120min 90",
		"2025-10-26T02:30:00+01:00":    "A 2025-10-26 01:30:00 +60min 90",
		"2025-10-26 02:30 +0100":       "A 2025-10-26 01:30:00 +60min 90",
		"2025-10-26 02:30:00.25-03":    "A 2025-10-26 05:30:00.25 -180min 90",
		"2025-10-26 02:30:00+05:45":    "A 2025-10-25 20:45:00 +345min 90",
		"2025-10-26T02:30:00Z":         "A 2025-10-26 02:30:00 +0min 90",
		"2025-10-26T02:30:00-00:00":    "A 2025-10-26 02:30:00 +0min 90",
		"2025-01-01t00:30:00+14:00":    "A 2024-12-31 10:30:00 +840min 90",
		"2025-10-26 02:30:00+01:00:30": "A 2025-10-26 01:29:30 +60min 90",
		"2025-10-26 02:30:00":          "A 2025-10-26 02:30:00 90",
	} {
		file, err := Format{}.Read(strings.NewReader(lf("id,time,gl", "A,"+text+",90")))
		if got := show(file); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
	var b strings.Builder
	b.WriteString("id,time,gl\n")
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2025, 10, 26, 0, 0, 0, 0, zone)
	for i := range 300 {
		fmt.Fprintf(&b, "A,%s,%d\n", midnight.Add(time.Duration(i)*5*time.Minute).Format(time.RFC3339), 100+i)
	}
	for name, test := range map[string]struct {
		text           string
		kept, replaced int
	}{
		"with offsets":    {b.String(), 300, 0},
		"without offsets": {strings.NewReplacer("+02:00", "", "+01:00", "").Replace(b.String()), 288, 12},
	} {
		file, err := Format{}.Read(strings.NewReader(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(file.Series[0].Samples); got != test.kept || file.Replaced != test.replaced {
			t.Errorf("25 hours %s: %d kept, %d replaced, want %d and %d", name, got, file.Replaced, test.kept, test.replaced)
		}
	}
}

// A time that Go writes is read as the same instant and wall clock, and a day is
// read if and only if the calendar has it.
func TestTimesAreThoseOfGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(86400e6, 7258031999e6).Draw(t, "at")).In(time.FixedZone("", 60*rapid.IntRange(-840, 840).Draw(t, "zone")))
		layout := rapid.SampledFrom([]string{"2006-01-02T15:04:05.999999Z07:00", "2006-01-02 15:04:05.000000 -0700", "2006/1/2 15:04:05.000000Z07:00"}).Draw(t, "layout")
		text := at.Format(layout)
		_, offset := at.Zone()
		got, wrong := parseTime([]byte(text))
		if wrong != "" || got.local-int64(got.offset)*second != at.UnixMicro() || int(got.offset) != offset || !got.hasOffset {
			t.Fatalf("parseTime(%q) = %+v, %v, want %d, offset %d", text, got, wrong, at.UnixMicro(), offset)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		y, m, d := rapid.IntRange(1970, 2199).Draw(t, "year"), rapid.IntRange(0, 13).Draw(t, "month"), rapid.IntRange(0, 32).Draw(t, "day")
		text := fmt.Sprintf("%04d-%02d-%02d", y, m, d)
		day, err := time.Parse(time.DateOnly, text)
		got, wrong := parseTime([]byte(text))
		if (err == nil) != (wrong == "") || err == nil && got.local != day.UnixMicro() || wrong != "" && wrong != NoSuchDay {
			t.Fatalf("parseTime(%q) = %+v, %v; time.Parse: %v, %v", text, got, wrong, day, err)
		}
	})
}

// Of one person's rows at one instant the last in the file counts, in whatever
// order rows come and however the instant is written.
func TestLastOfAnInstantCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			id string
			at int
		}
		last := map[key]int{}
		var b strings.Builder
		b.WriteString("id,time,gl\n")
		n := rapid.IntRange(1, 60).Draw(t, "rows")
		for i := range n {
			k := key{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id"), rapid.IntRange(0, 20).Draw(t, "at")}
			last[k] = 100 + i
			zone := time.FixedZone("", 3600*rapid.IntRange(-3, 3).Draw(t, "zone"))
			fmt.Fprintf(&b, "%s,%s,%d\n", k.id, time.Unix(int64(1.7e9)+300*int64(k.at), 0).In(zone).Format(time.RFC3339), 100+i)
		}
		file, err := Format{}.Read(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		got := map[key]int{}
		for _, s := range file.Series {
			for i, x := range s.Samples {
				if i > 0 && x.Time <= s.Samples[i-1].Time {
					t.Fatalf("samples of %s: not in order", s.ID)
				}
				got[key{s.ID, int((x.Time/1e6 - 1.7e9) / 300)}] = int(x.Value)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(last) || file.Rows != n || file.Replaced != n-len(last) {
			t.Fatalf("%d rows, %d replaced: %v, want %v", file.Rows, file.Replaced, got, last)
		}
	})
}

// A person's values are in one unit. What may be meant as it stands is taken: codes, which
// are whole or repeat themselves, a few odd values, and glucose that truly falls below what
// a sensor can measure.
func TestUnitsOfOnePerson(t *testing.T) {
	t.Parallel()
	high := make([]string, 300)
	for i := range high {
		high[i] = fmt.Sprint(100 + i%60)
	}
	repeat := func(n int, v ...string) []string { return slices.Repeat(v, n)[:n] }
	falling := []string{"60.1", "45.2", "38.3", "33.4", "28.5", "24.6", "21.7", "19.8", "26.9", "30.1", "37.2", "48.3"}
	for name, test := range map[string]struct {
		unit   Unit
		values []string
		looks  Unit
		such   int
		lines  []int // nil: it is taken
		other  int
	}{
		"mmol/L at the end":        {MgdL, slices.Concat(high, repeat(12, "7.8", "6.1", "22.5")), MmolL, 12, []int{302, 303, 304}, 2},
		"mmol/L at the beginning":  {MgdL, slices.Concat(repeat(18, "7.8", "6", "22.5"), high), MmolL, 12, []int{2, 4, 5}, 20},
		"a few":                    {MgdL, slices.Concat(high, repeat(11, "7.8")), 0, 0, nil, 0},
		"codes":                    {MgdL, slices.Concat(high, repeat(140, "0", "1", "5", "10", "12", "-1")), 0, 0, nil, 0},
		"sentinels":                {MgdL, slices.Concat(high, repeat(140, "39", "401")), 0, 0, nil, 0},
		"falls truly":              {MgdL, slices.Concat(high, repeat(48, falling...)), 0, 0, nil, 0},
		"low with decimals":        {MgdL, slices.Concat(high, repeat(48, "39.5", "41.2", "38.9", "33.3")), 0, 0, nil, 0},
		"mg/dL among mmol/L":       {MmolL, slices.Concat(repeat(40, "7.8", "10"), []string{"33", "35"}, high[:12]), MgdL, 13, []int{43, 44, 45}, 2},
		"a code among mmol/L":      {MmolL, slices.Concat(repeat(40, "7.8", "10"), repeat(30, "999")), 0, 0, nil, 0},
		"a few mg/dL among mmol/L": {MmolL, slices.Concat(repeat(40, "7.8", "10"), high[:11]), 0, 0, nil, 0},
	} {
		var b strings.Builder
		b.WriteString("id,time,gl\n")
		for i, v := range test.values {
			fmt.Fprintf(&b, "a,2024-03-%02d %02d:%02d:00,%s\n", 1+i/288, i/12%24, i%12*5, v)
		}
		b.WriteString("b,2024-03-01,140\n")
		if test.unit == MmolL {
			b.WriteString("b,2024-03-02,7\n")
		}
		_, err := Format{Unit: test.unit}.Read(strings.NewReader(b.String()))
		unit, isUnit := errors.AsType[*UnitError](err)
		switch {
		case !isUnit && err != nil, isUnit != (test.lines != nil):
			t.Errorf("%s: %v", name, err)
		case isUnit && (unit.ID != "a" || unit.Looks != test.looks || unit.Values != len(test.values) || unit.Such != test.such || !slices.Equal(unit.Lines, test.lines) || unit.Line != test.lines[0] || unit.OtherLine != test.other):
			t.Errorf("%s: %+v", name, unit)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	rows := func(of map[string][]string) string {
		var b strings.Builder
		b.WriteString("id,time,gl\n")
		for _, id := range []string{"a", "b"} {
			for i, v := range of[id] {
				fmt.Fprintf(&b, "%s,2024-03-01 %02d:00:00,%s\n", id, i, v)
			}
		}
		return b.String()
	}
	repeat := func(n int, v ...string) []string { return slices.Repeat(v, n)[:n] }
	for name, test := range map[string]struct {
		unit  Unit
		text  string
		looks Unit
		id    string
		line  int
		ok    bool
	}{
		"mg/dL":                            {MgdL, rows(map[string][]string{"a": {"40", "33.1", "400"}}), 0, "", 0, true},
		"half of them codes":               {MgdL, rows(map[string][]string{"a": {"140", "150", "12", "10"}}), 0, "", 0, true},
		"zeros and negative are no mmol/L": {MgdL, rows(map[string][]string{"a": {"0", "1", "-5", "", "NA"}}), 0, "", 0, true},
		"mmol/L":                           {MgdL, rows(map[string][]string{"a": {"140", "33", "1.5", "7.8"}}), MmolL, "", 3, false},
		"mmol/L, one value":                {MgdL, rows(map[string][]string{"a": {"", "6"}}), MmolL, "", 3, false},
		"one person in mmol/L":             {MgdL, rows(map[string][]string{"a": repeat(20, "140"), "b": repeat(12, "7.8", "6.1")}), MmolL, "b", 22, false},
		"one person of codes":              {MgdL, rows(map[string][]string{"a": repeat(20, "140"), "b": repeat(12, "10", "5")}), 0, "", 0, true},
		"mmol/L, said":                     {MmolL, rows(map[string][]string{"a": {"7.8", "10", "33"}}), 0, "", 0, true},
		"mg/dL, said to be mmol/L":         {MmolL, rows(map[string][]string{"a": {"7.8", "100", "34"}}), MgdL, "", 3, false},
		"one person in mg/dL among mmol/L": {MmolL, rows(map[string][]string{"a": repeat(20, "7.8"), "b": repeat(12, "100")}), MgdL, "b", 22, false},
	} {
		_, err := Format{Unit: test.unit}.Read(strings.NewReader(test.text))
		unit, isUnit := errors.AsType[*UnitError](err)
		if isUnit == test.ok || !isUnit && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if isUnit && (unit.Looks != test.looks || unit.ID != test.id || unit.Line != test.line) {
			t.Errorf("%s: %+v", name, unit)
		}
	}
	// The consensus bounds in mmol/L are those in mg/dL.
	for mmol, want := range map[string]float64{"3.0": 54, "3.9": 70, "10,0": 180, "13.9": 250, "1.1": 20, "33.3": 600} {
		file, err := Format{Unit: MmolL}.Read(strings.NewReader("id;time;gl\na;2024-03-01;" + mmol + "\na;2024-03-02;5\na;2024-03-03;5"))
		if err != nil || file.Series[0].Samples[0].Value != want {
			t.Errorf("%s mmol/L: %v, %v, want %v", mmol, file, err, want)
		}
	}
	for value, want := range map[float64]bool{19.9: false, 20: true, 600: true, 600.1: false, -1: false, math.NaN(): false} {
		if Plausible(value) != want {
			t.Errorf("Plausible(%v) = %v", value, !want)
		}
	}
}
