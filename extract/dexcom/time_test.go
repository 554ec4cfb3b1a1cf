package dexcom

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every shape of section 4 of the API's description, and 13 and 14 of section 8.
func TestParseTime(t *testing.T) {
	at := func(year, month, day, hour, minute, second, nanos int) time.Time {
		return time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	}
	for _, test := range []struct {
		text   string
		wall   time.Time
		zoned  bool
		offset int
	}{
		{"2025-01-30T23:49:55Z", at(2025, 1, 30, 23, 49, 55, 0), true, 0},
		{"2025-01-30t23:49:55z", at(2025, 1, 30, 23, 49, 55, 0), true, 0},
		{"2026-05-16T15:49:01.964Z", at(2026, 5, 16, 15, 49, 1, 964e6), true, 0},
		{"2025-01-30T15:49:55-08:00", at(2025, 1, 30, 15, 49, 55, 0), true, -8 * 3600},
		{"2025-01-30T15:49:55+00:00", at(2025, 1, 30, 15, 49, 55, 0), true, 0},
		{"2025-01-30T15:49:55+05:45", at(2025, 1, 30, 15, 49, 55, 0), true, 5*3600 + 45*60},
		{"2021-06-01T01:10:08", at(2021, 6, 1, 1, 10, 8, 0), false, 0},
		{"2021-02-03T14:15Z", at(2021, 2, 3, 14, 15, 0, 0), true, 0},
		{"2021-02-03T14:15", at(2021, 2, 3, 14, 15, 0, 0), false, 0},
		{"2021-02-03T14:15-07:00", at(2021, 2, 3, 14, 15, 0, 0), true, -7 * 3600},
		{"2021-04-05T10:52:48-06:59:59", at(2021, 4, 5, 10, 52, 48, 0), true, -(6*3600 + 59*60 + 59)},
		{"2021-04-05T10:52:48-06:59:58", at(2021, 4, 5, 10, 52, 48, 0), true, -(6*3600 + 59*60 + 58)},
		{"2021-04-05T10:52:48-00:00:30", at(2021, 4, 5, 10, 52, 48, 0), true, -30},
		{"2021-07-05T10:49:22.123-07:00", at(2021, 7, 5, 10, 49, 22, 123e6), true, -7 * 3600},
		{"2021-2-3T4:5:6Z", at(2021, 2, 3, 4, 5, 6, 0), true, 0},
		{"2021-02-03 04:05:06", at(2021, 2, 3, 4, 5, 6, 0), false, 0},
		{"2021-02-03T04:05:06.1", at(2021, 2, 3, 4, 5, 6, 1e8), false, 0},
		{"2021-02-03T04:05:06.12Z", at(2021, 2, 3, 4, 5, 6, 12e7), true, 0},
		{"2021-02-03T04:05:06.123456Z", at(2021, 2, 3, 4, 5, 6, 123456e3), true, 0},
		{"2021-02-03T04:05:06.1234567Z", at(2021, 2, 3, 4, 5, 6, 123456700), true, 0},
		{"2021-02-03T04:05:06.123456789Z", at(2021, 2, 3, 4, 5, 6, 123456789), true, 0},
		{"2021-02-03T04:05:06-0800", at(2021, 2, 3, 4, 5, 6, 0), true, -8 * 3600},
		{"2021-02-03T04:05:06+9", at(2021, 2, 3, 4, 5, 6, 0), true, 9 * 3600},
		{"2024-02-29T00:00:00Z", at(2024, 2, 29, 0, 0, 0, 0), true, 0},
		{"0001-01-01T00:00:00", at(1, 1, 1, 0, 0, 0, 0), false, 0},
		{"9999-12-31T23:59:59.999Z", at(9999, 12, 31, 23, 59, 59, 999e6), true, 0},
	} {
		got, err := ParseTime(Text(test.text))
		if err != nil || !got.Valid || !got.Wall.Equal(test.wall) || got.Zoned != test.zoned || got.Offset != test.offset || got.Text.String() != test.text {
			t.Errorf("ParseTime(%q) = %+v, %v; want wall %s, zoned %v, offset %d s", test.text, got, err, test.wall, test.zoned, test.offset)
		}
		if want := test.wall.Add(-time.Duration(test.offset) * time.Second); !got.UTC().Equal(want) {
			t.Errorf("ParseTime(%q).UTC() = %s, want %s", test.text, got.UTC(), want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "now", "2021", "2021-02-03", "2021-02-03T", "2021-02-03T04", "2021-02-03T04:", "2021-02-03T04:05:",
		"21-02-03T04:05:06", "12021-02-03T04:05:06", "2021-02-30T04:05:06", "2023-02-29T04:05:06", "2021-13-01T04:05:06",
		"2021-00-01T04:05:06", "2021-01-00T04:05:06", "2021-01-01T24:00:00", "2021-01-01T04:60:00", "2021-01-01T04:05:60",
		"2021-01-01T04:05:06.", "2021-01-01T04:05:06.1234567890", "2021-01-01T04:05:06,5", "2021-01-01T04:05:06 Z",
		"2021-01-01T04:05:06ZZ", "2021-01-01T04:05:06+", "2021-01-01T04:05:06+25:00", "2021-01-01T04:05:06+01:60",
		"2021-01-01T04:05:06+01:00:60", "2021-01-01T04:05:06+01:00:00:00", "2021-01-01T04:05:06+01:0", "2021-01-01T04:05:06-08:00x",
		"2021-01-01X04:05:06", " 2021-01-01T04:05:06", "1738281000", "2021-01-01T-4:05:06", "２021-01-01T04:05:06",
	} {
		if got, err := ParseTime(Text(text)); err == nil {
			t.Errorf("ParseTime(%q) = %+v, want an error", text, got)
		}
	}
}

// What is written comes back, whatever the clock, the offset and the spelling.
func TestParseTimeReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wall := time.Unix(rapid.Int64Range(-60e9, 250e9).Draw(t, "unix"), 0).UTC()
		decimals := rapid.IntRange(0, 9).Draw(t, "decimals")
		offset := rapid.IntRange(-86399, 86399).Draw(t, "offset")
		text := wall.Format("2006-01-02T15:04:05")
		if decimals > 0 {
			fraction := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), decimals, decimals, -1).Draw(t, "fraction")
			text += "." + fraction
			nanos := 0
			fmt.Sscanf((fraction + "000000000")[:9], "%d", &nanos)
			wall = wall.Add(time.Duration(nanos))
		}
		sign, east := "+", offset
		if offset < 0 {
			sign, east = "-", -offset
		}
		text += fmt.Sprintf("%s%02d:%02d:%02d", sign, east/3600, east/60%60, east%60)
		got, err := ParseTime(Text(text))
		if err != nil || !got.Wall.Equal(wall) || got.Offset != offset || !got.Zoned {
			t.Fatalf("ParseTime(%q) = %+v, %v; want wall %s, offset %d s", text, got, err, wall, offset)
		}
	})
}

// What the standard library writes is read as the same instant, and what both
// read they read alike.
func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{
		"2025-01-30T23:49:55Z", "2026-05-16T15:49:01.964Z", "2025-01-30T15:49:55-08:00", "2021-06-01T01:10:08",
		"2021-02-03T14:15Z", "2021-04-05T10:52:48-06:59:59", "2021-2-3 4:5:6", "2021-02-30T00:00:00", "0000-01-01T00:00:00Z", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime(Text(text))
		if err == nil && (!got.Valid || got.Text.String() != text || got.Offset <= -86400 || got.Offset >= 86400 || got.Offset != 0 && !got.Zoned) {
			t.Errorf("ParseTime(%q) = %+v", text, got)
		}
		std, stdErr := time.Parse(time.RFC3339, text)
		switch {
		case stdErr != nil:
		case err == nil && !got.UTC().Equal(std):
			t.Errorf("ParseTime(%q).UTC() = %s; time.Parse reads %s", text, got.UTC(), std)
		case err != nil && std.Format(time.RFC3339Nano) == text:
			t.Errorf("ParseTime(%q): %v; time.Parse reads %s", text, err, std)
		}
	})
}
