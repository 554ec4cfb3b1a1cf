package cgmfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// refusals has a file for every kind of problem, and all that is said of it.
func refusals() []struct {
	kind Kind
	text string
	want []string
} {
	const right = "such as 2026-03-01 12:05:00 or 2026-03-01T12:05:00-04:00"
	time := func(cell, says string) []string {
		return []string{fmt.Sprintf("line 3, column time: %q %s; right: %s", cell, says, right)}
	}
	at := func(cell string) string { return lf("id,time,gl", "a,2024-03-01,1e2", "a,"+cell+",100") }
	value := func(cell string) string {
		return lf("id;time;gl;x", "a;2024-03-01;100;", "a;2024-03-02;"+cell+";")
	}
	number := func(cell string) []string {
		return []string{fmt.Sprintf("line 3, column gl: %q is not a number; right: a number in mg/dL, or an empty cell or NA for no value", cell)}
	}
	return []struct {
		kind Kind
		text string
		want []string
	}{
		{EmptyFile, "", []string{"line 1: the file is empty; right: a header id,time,gl and a row for each reading"}},
		{EmptyFile, "\ufeff\r\n \r\n", []string{"line 1: the file is empty; right: a header id,time,gl and a row for each reading"}},
		{NoRows, "id,time,gl", []string{"line 1: there is a header and no row; right: a row for each reading"}},
		{NoRows, "\nid,time,gl\n,,\n\n", []string{"line 2: there is a header and no row; right: a row for each reading"}},
		{NotText, "PK\x03\x04…", []string{"line 1: an Excel workbook or a zip archive is no text; right: the table saved as CSV UTF-8"}},
		{LineBeforeHeader, lf("Study 7,,", "", "ID;Time;gl", "a;2024-03-01;100"), []string{
			`line 1: "Study 7,," stands before the header; right: a file that begins with its header, which is line 3`,
		}},
		{NoHeader, lf("a,2024-03-01 00:00:00,100"), []string{
			`line 1: "a,2024-03-01 00:00:00,100" is a row where the header should be; right: a first line id,time,gl`,
		}},
		{MissingColumn, lf("Id,when,glucose", "a,b,c"), []string{
			`line 1: "Id", "when", "glucose" is a header that lacks columns; right: id,time,gl, separated by comma, semicolon or tab, in any order and among others; missing: time, gl`,
		}},
		{MissingColumn, lf("id|time|gl", "a|2024-03-01|100"), []string{
			`line 1: "id|time|gl" is a header that lacks columns; right: id,time,gl, separated by comma, semicolon or tab, in any order and among others; missing: id, time, gl`,
		}},
		{DoubleColumn, lf("id,gl,time, GL", "a,1,2024-03-01,2"), []string{`line 1, column 4: "GL" is there twice; right: one column of that name`}},
		{Comment, lf("id,time,gl", "# made by hand", "#a,b,c", "#1,2024-03-01,100"), []string{
			`line 2: "# made by hand" is a comment, not a row; right: a file without comments`,
			`line 3: "#a,b,c" is a comment, not a row; right: a file without comments`,
		}},
		{Ragged, lf("id,time,gl,x", "a,2024-03-01", "a,2024-03-01,100,,y", "a,2024-03-01,7,8,"), []string{
			"line 2, column gl: 2 cells are not as many as the header has; right: 4 cells",
			"line 3, column 5: 5 cells are not as many as the header has; right: 4 cells; a decimal comma makes two cells of one",
		}},
		{Ragged, lf("id;time;gl", "a;2024-03-01;100;y"), []string{"line 2, column 4: 4 cells are not as many as the header has; right: 3 cells"}},
		{CutOff, "id,time,gl\na,2024-03-01,100\na,2024-03", []string{`line 3, column time: "a,2024-03" is where the last line ends, cut off; right: the file copied anew, whole`}},
		{OpenQuote, lf("id,time,gl", `"a,2024-03-01,100`, "a,2024-03-02,100", `"a",2024-03-03,high`), []string{
			`line 2, column id: "\"a,2024-03-01,100" opens a quote that is not closed; right: a quote at both ends of the cell, and "" for one inside it`,
			`line 4, column gl: "high" is a word for a value beyond the range of the sensor; right: 39 for low and 401 for high, as Dexcom counts them, or an empty cell for no value`,
		}},
		{OpenQuote, lf("id,time,gl,note", `a,2024-03-01,100,"x`, "a,2024-03-02,100,y", `a,2024-03-03,100,"`, "a,2024-03-04,100,"), []string{
			`line 2, column note: "\"x" opens a quote that is not closed; right: a quote at both ends of the cell, and "" for one inside it`,
			`line 4, column note: "\"" opens a quote that is not closed; right: a quote at both ends of the cell, and "" for one inside it`,
		}},
		{StrayQuote, lf("id,time,gl", `a"b,2024-03-01,100`, `"a"b,2024-03-01,100`, `a,2024-03-01,5'11"`), []string{
			`line 2, column id: "a\"b,2024-03-01,100" has a quote where none may be; right: a quote at both ends of the cell, and "" for one inside it`,
			`line 3, column id: "\"a\"b,2024-03-01,100" has a quote where none may be; right: a quote at both ends of the cell, and "" for one inside it`,
			`line 4, column gl: "5'11\"" has a quote where none may be; right: a quote at both ends of the cell, and "" for one inside it`,
		}},
		{LongLine, lf("id,time,gl", strings.Repeat("x", longestLine), "b,,"), []string{
			"line 2: the line is longer than 1 MiB; right: a line for each reading",
			"line 3, column time: the time is missing; right: " + right,
		}},
		{LongLine, lf(strings.Repeat("x", longestLine), "id,time,gl"), []string{"line 1: the line is longer than 1 MiB; right: a line for each reading"}},
		{NotUTF8, lf("id,time,gl,device", "a,2024-03-01,100,", "a,2024-03-02,100,Ger\xe4t"), []string{`line 3, column device: "Ger\xe4t" is not UTF-8; right: the file saved as CSV UTF-8`}},
		{NotUTF8, lf("id,time,gl,ger\xe4t", "a,2024-03-01,100,"), []string{`line 1: "id,time,gl,ger\xe4t" is not UTF-8; right: the file saved as CSV UTF-8`}},
		{NotUTF8, lf("n\xfamero,fecha,gl"), []string{`line 1: "n\xfamero,fecha,gl" is not UTF-8; right: the file saved as CSV UTF-8`}},
		{NulByte, lf("id,time,gl", "a,2024-03-01,10\x000"), []string{
			`line 2, column gl: "10\x000" has a zero byte; right: text; the file may be damaged, or UTF-16 without a byte order mark`,
		}},
		{ControlCharacter, lf("id,time,gl", "\"a", "b\",2024-03-01,100", "a\tb,2024-03-01,100"), []string{
			`line 2, column id: "a\nb" has a line break or another control character; right: the name or number of a person in one line`,
			`line 4, column id: "a\tb" has a line break or another control character; right: the name or number of a person in one line`,
		}},
		{NoID, lf("gl,time,id", "100,2024-03-01,\u00a0"), []string{"line 2, column id: the id is missing; right: the name or number of a person in one line"}},
		{NoTime, at(""), []string{"line 3, column time: the time is missing; right: " + right}},
		{NotATime, at("yesterday"), time("yesterday", "is not a time")},
		{NotATime, at("46082.5"), time("46082.5", "is not a time")},
		{NotATime, at("20240301 12:00"), time("20240301 12:00", "is not a time")},
		{NotATime, at("2024-03-01 01:05:00 PM"), time("2024-03-01 01:05:00 PM", "is not a time")},
		{NotATime, at("2024-03-01T12"), time("2024-03-01T12", "is not a time")},
		{NotATime, at("2024-03"), time("2024-03", "is not a time")},
		{DayOrMonthFirst, at("01/03/2024 00:05"), time("01/03/2024 00:05", "may have the day or the month first")},
		{DayOrMonthFirst, at("1.3.2024"), time("1.3.2024", "may have the day or the month first")},
		{TwoDigitYear, at("24-03-01 00:05:00"), time("24-03-01 00:05:00", "has a year of two digits")},
		{TwoDigitYear, at("3/1/24 0:05"), time("3/1/24 0:05", "has a year of two digits")},
		{YearOutOfRange, at("0024-03-01 00:05:00"), time("0024-03-01 00:05:00", "is in no year from 1970 to 2199")},
		{YearOutOfRange, at("1969-12-31"), time("1969-12-31", "is in no year from 1970 to 2199")},
		{YearOutOfRange, at("2200-01-01"), time("2200-01-01", "is in no year from 1970 to 2199")},
		{YearOutOfRange, at("20240-01-01"), time("20240-01-01", "is in no year from 1970 to 2199")},
		{NoSuchDay, at("2023-02-29 00:05:00"), time("2023-02-29 00:05:00", "is no day of the calendar")},
		{NoSuchDay, at("2100-02-29"), time("2100-02-29", "is no day of the calendar")},
		{NoSuchDay, at("2024-13-01"), time("2024-13-01", "is no day of the calendar")},
		{NoSuchTime, at("2024-03-01 24:00:00"), time("2024-03-01 24:00:00", "is no time of the day")},
		{NoSuchTime, at("2024-03-01 12:60"), time("2024-03-01 12:60", "is no time of the day")},
		{NoSuchOffset, at("2024-03-01 12:00+15:00"), time("2024-03-01 12:00+15:00", "has no offset from UTC that a clock can have")},
		{TooFine, at("2024-03-01 12:00:00.1234567"), time("2024-03-01 12:00:00.1234567", "is finer than a microsecond")},
		{MixedOffsets, lf("id,time,gl", "a,2024-03-01 00:00Z,100", "b,2024-03-01,100", "a,2024-03-01 00:05,100", "a,2024-03-01 00:10,100"), []string{
			`line 4, column time: "2024-03-01 00:05" is not written as this person's times before; right: all times of a person with an offset, or all without`,
		}},
		{NotANumber, value("NaN"), number("NaN")},
		{NotANumber, value("-Inf"), number("-Inf")},
		{NotANumber, value("0x10p1"), number("0x10p1")},
		{NotANumber, value("1_000"), number("1_000")},
		{NotANumber, value("1e999"), number("1e999")},
		{NotANumber, value("1.000,5"), number("1.000,5")},
		{NotANumber, value("140 mg/dL"), number("140 mg/dL")},
		{NotANumber, value("."), number(".")},
		{NotANumber, value("na"), number("na")},
		{NotANumber, lf("id,time,gl", `a,2024-03-01,"7,8"`), []string{`line 2, column gl: "7,8" is not a number; right: a decimal point, as the comma separates the cells`}},
		{WordForValue, value("Low"), []string{
			`line 3, column gl: "Low" is a word for a value beyond the range of the sensor; right: 39 for low and 401 for high, as Dexcom counts them, or an empty cell for no value`,
		}},
	}
}

// Every kind of problem is told with its place, what was found and what is
// right.
func TestRefusals(t *testing.T) {
	t.Parallel()
	seen := map[Kind]bool{}
	for _, test := range refusals() {
		seen[test.kind] = true
		_, err := Format{}.Read(strings.NewReader(test.text))
		got, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%.80q: %v, want an *Error", test.text, err)
			continue
		}
		if got.Problems[0].Kind != test.kind {
			t.Errorf("%.80q: kind %q, want %q", test.text, got.Problems[0].Kind, test.kind)
		}
		if want := strings.Join(test.want, "\n"); got.Error() != want {
			t.Errorf("%.80q:\n got %s\nwant %s", test.text, got, want)
		}
	}
	source, err := os.ReadFile("kind.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`(?m) Kind += "(.*)"$`).FindAllSubmatch(source, -1)
	if len(kinds) != len(seen) {
		t.Errorf("files for %d kinds of %d", len(seen), len(kinds))
	}
	for _, k := range kinds {
		if !seen[Kind(k[1])] {
			t.Errorf("no file for kind %s", k[1])
		}
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ExportError{
		lf(`"Index","Timestamp (YYYY-MM-DDThh:mm:ss)","Event Type","Glucose Value (mg/dL)"`, `"1","","FirstName",""`):                                   {"Clarity", 1},
		lf("Index;Zeitstempel (JJJJ-MM-TTThh:mm:ss);Ereignistyp;Glukosewert (mg/dl)"):                                                                   {"Clarity", 1},
		lf("Glucose Data,Generated on,01-03-2024 10:00 UTC,Generated by,X", "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mg/dL"): {"LibreView", 2},
		lf("Patient report", "", "Device;Serial Number;Device Timestamp;Record Type;Historic Glucose mmol/L", "FreeStyle;x;01-03-2024 00:00;0;7,8"):     {"LibreView", 3},
	} {
		_, err := Format{}.Read(strings.NewReader(text))
		if got, ok := errors.AsType[*ExportError](err); !ok || *got != want {
			t.Errorf("%.80q: %v, want %+v", text, err, want)
		}
	}
	// With its columns named, it is a file like any other.
	f := Format{Columns: Columns{"person", "Timestamp (YYYY-MM-DDThh:mm:ss)", "Glucose Value (mg/dL)"}}
	file, err := f.Read(strings.NewReader(lf("person,Event Type,Timestamp (YYYY-MM-DDThh:mm:ss),Glucose Value (mg/dL)", "a,EGV,2024-03-01T00:00:00,140")))
	if err != nil || len(file.Series) != 1 {
		t.Errorf("an export with columns named: %v", err)
	}
}

// All that is wrong is told at once, from above and from the left, up to a
// bound; no row is returned after the first problem.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("gl,time,id\n100,2024-03-01,a\n")
	for range 30 {
		b.WriteString("x,y,\n")
	}
	b.WriteString("100,2024-03-02,a\n")
	rows := 0
	for _, err := range (Format{}).Readings(strings.NewReader(b.String())) {
		if err == nil {
			rows++
			continue
		}
		got, ok := errors.AsType[*Error](err)
		if !ok || len(got.Problems) != MaxProblems || got.More != 90-MaxProblems {
			t.Fatalf("%v, want %d problems of 90", err, MaxProblems)
		}
		for i, p := range got.Problems {
			if p.Line != 3+i/3 || p.Column != 1+i%3 {
				t.Errorf("problem %d: line %d, column %d", i, p.Line, p.Column)
			}
		}
		if !strings.HasSuffix(err.Error(), "\nand 70 more") {
			t.Errorf("%v, want: and 70 more", err)
		}
	}
	if rows != 1 {
		t.Errorf("%d rows, want the one before the first problem", rows)
	}
}

// What reading fails with is handed on, with the line.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the cable is out")
	for text, line := range map[string]string{"": "line 1: ", "id,time,gl\na,2024-03-01,100\n": "line 3: "} {
		_, err := Format{}.Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), line) {
			t.Errorf("%q: %v", text, err)
		}
	}
	zip := zipped(lf("id,time,gl", "a,2024-03-01,100"))
	if _, err := (Format{}).Read(strings.NewReader(zip[:len(zip)-4])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half an archive: %v", err)
	}
}
