package schemas

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// The pattern takes exactly what ParseTime takes: all shapes that were seen, what
// looks like them, and the days of every month of 400 years.
func TestTimePattern(t *testing.T) {
	pattern := regexp.MustCompile(timePattern())
	check := func(t interface {
		Errorf(string, ...any)
	}, text string) bool {
		_, err := dexcom.ParseTime(dexcom.Text(text))
		if got, want := pattern.MatchString(text), err == nil; got != want {
			t.Errorf("pattern takes %q: %v; ParseTime: %v", text, got, want)
		}
		return err == nil
	}
	for _, text := range []string{
		"2025-01-30T23:49:55Z", "2026-05-16T15:49:01.964Z", "2025-01-30T15:49:55-08:00", "2025-01-30T15:49:55+00:00",
		"2021-06-01T01:10:08", "2021-02-03T14:15Z", "2021-02-03T14:15", "2021-04-05T10:52:48-06:59:58", "2021-07-05T10:49:22.123-07:00",
		"2021-2-3T4:5:6Z", "2021-02-03 04:05:06", "2021-02-03T04:05:06.1", "2025-01-30t23:49:55z", "2021-02-03T04:05:06-0800", "2021-02-03T04:05:06+9",
	} {
		if !check(t, text) {
			t.Errorf("ParseTime does not take %q", text)
		}
	}
	for _, text := range []string{"", "now", "2021-02-03", "2021-02-30T04:05:06", "2021-01-01T04:05:06.1234567890", "2021-01-01T04:05:06+01:0", "2021-01-01T04:05:06\n", "２021-01-01T04:05:06"} {
		if check(t, text) {
			t.Errorf("ParseTime takes %q", text)
		}
	}
	everyDay(func(text string) { check(t, text) })
	rapid.Check(t, func(t *rapid.T) { check(t, drawTime(t)) })
	rapid.Check(t, func(t *rapid.T) { check(t, spoiled(t, drawTime(t))) })
}

// everyDay calls each with the days 0 to 32 of the months 0 to 13 of years that
// differ in their leap day.
func everyDay(each func(string)) {
	for _, year := range []string{"0000", "1900", "1996", "2000", "2023", "2024", "2100", "2196", "2400"} {
		for month := range 14 {
			for day := range 33 {
				each(year + "-" + digits(month, 2) + "-" + digits(day, 2) + "T00:00:00Z")
				each(year + "-" + digits(month, 1) + "-" + digits(day, 1) + "T0:0Z")
			}
		}
	}
}

// digits is n with at least as many digits.
func digits(n, least int) string {
	text := string(rune('0' + n%10))
	if n >= 10 {
		text = digits(n/10, 1) + text
	}
	return strings.Repeat("0", max(0, least-len(text))) + text
}

// drawTime draws what is a time or nearly one.
func drawTime(t *rapid.T) string {
	number := func(label string, most int) string {
		return digits(rapid.IntRange(0, most).Draw(t, label), rapid.IntRange(1, 2).Draw(t, "digits"))
	}
	text := digits(rapid.IntRange(0, 9999).Draw(t, "year"), 4) + "-" + number("month", 13) + "-" + number("day", 32) +
		rapid.SampledFrom([]string{"T", "t", " ", "T", "T", "  ", ""}).Draw(t, "between") + number("hour", 25) + ":" + number("minute", 61)
	if rapid.Bool().Draw(t, "seconds") {
		text += ":" + number("second", 61)
		text += rapid.SampledFrom([]string{"", "", ".", ".1", ".964", ".123456789", ".1234567890"}).Draw(t, "decimals")
	}
	text += rapid.SampledFrom([]string{"", "Z", "z", "+", "-", "+", "-"}).Draw(t, "zone")
	if strings.ContainsAny(text[len(text)-1:], "+-") {
		text += number("hours", 25)
		colon := rapid.SampledFrom([]string{":", ":", ""})
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			text += colon.Draw(t, "colon") + number("part", 61)
		}
	}
	return text
}

// spoiled is text with one character changed, added or left out.
func spoiled(t *rapid.T, text string) string {
	at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
	with := rapid.SampledFrom(strings.Split("0,1,2,5,9,:,-,+,.,T,Z, ,x,", ",")).Draw(t, "with")
	return text[:at] + with + text[at+rapid.IntRange(0, 1).Draw(t, "instead"):]
}
