package reading

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// base is an instant of the tests: 2026-03-02 00:00 UTC.
var base = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// rec is a phone's record without offset, some seconds after base.
func rec(id string, seconds int64, value int16, with ...func(*Record)) Record {
	r := Record{
		ID: id, Time: base.UnixMicro() + seconds*second, Value: Some(value),
	}
	for _, w := range with {
		w(&r)
	}
	return r
}

func device(name string) func(*Record) { return func(r *Record) { r.Device = DeviceOf(name, "") } }
func app(name string) func(*Record)    { return func(r *Record) { r.Device = DeviceOf("iOS", name) } }
func null(status string) func(*Record) {
	return func(r *Record) { r.Value, r.Status = Maybe[int16]{}, StatusOf(status) }
}
func sensor(id string, ticks int64) func(*Record) {
	return func(r *Record) { r.Transmitter, r.Ticks = id, ticks }
}
func offset(minutes int16, from string) func(*Record) {
	return func(r *Record) {
		r.OffsetMin, r.OffsetFrom = Some(minutes), OffsetOf(from)
		r.Display = Some(r.Time + int64(minutes)*60*second)
	}
}

// brief is a reading as "+seconds value xsources [flags]".
func brief(r Reading) string {
	s := fmt.Sprintf("+%d ", (r.Time-base.UnixMicro())/second)
	if r.Value.OK {
		s += fmt.Sprint(r.Value.V)
	} else {
		s += "-"
	}
	if r.ValueFrom == "status" || r.ValueFrom == "implausible" {
		s += "(" + r.ValueFrom + ")"
	}
	s += fmt.Sprintf(" x%d", r.Sources)
	if r.Overlap {
		s += " overlap"
	}
	if r.Conflicts > 0 {
		s += fmt.Sprintf(" conflicts=%d", r.Conflicts)
	}
	return s
}

func briefs(readings []Reading) []string {
	var out []string
	for _, r := range readings {
		out = append(out, brief(r))
	}
	return out
}

const receiver = "receiver"

func TestReadings(t *testing.T) {
	tests := []struct {
		name    string
		records []Record
		want    []string
	}{
		{"none", nil, nil},
		{"one", []Record{rec("a", 0, 100)}, []string{"+0 100 x1"}},
		{"five minutes apart", []Record{rec("a", 0, 100), rec("b", 300, 100)}, []string{"+0 100 x1", "+300 100 x1"}},

		{"same transmitter and ticks", []Record{rec("a", 0, 100, sensor("T", 60), device(receiver)), rec("b", 40, 100, sensor("T", 60))},
			[]string{"+40 100 x2"}},
		{"same ticks, clocks hours apart", []Record{rec("a", 0, 100, sensor("T", 60), device(receiver)), rec("b", 7200, 100, sensor("T", 60))},
			[]string{"+7200 100 x2"}},
		{"same ticks, other value: the phone's", []Record{rec("a", 0, 100, sensor("T", 60), device(receiver)), rec("b", 1, 101, sensor("T", 60))},
			[]string{"+1 101 x2"}},
		{"the unnamed transmitter's ticks say nothing", []Record{rec("a", 0, 100, sensor("", 60)), rec("b", 300, 100, sensor("", 60))},
			[]string{"+0 100 x1", "+300 100 x1"}},
		{"ticks 0 say nothing", []Record{rec("a", 0, 100, sensor("T", 0)), rec("b", 300, 100, sensor("T", 0))},
			[]string{"+0 100 x1", "+300 100 x1"}},
		{"three times the same", []Record{rec("c", 0, 100, sensor("T", 60)), rec("b", 1, 100, sensor("T", 60)), rec("a", 2, 100, sensor("T", 60), device(receiver))},
			[]string{"+1 100 x3"}},
		{"a receiver 2 h behind has no near neighbours", []Record{
			rec("a", 0, 100, sensor("T", 7200)), rec("b", 7200, 110, sensor("T", 14400)), rec("c", 14400, 120, sensor("T", 21600)),
			rec("d", -7190, 100, sensor("T", 7200), device(receiver)), rec("e", 10, 110, sensor("T", 14400), device(receiver)), rec("f", 7210, 120, sensor("T", 21600), device(receiver)),
		}, []string{"+0 100 x2", "+7200 110 x2", "+14400 120 x2"}},

		{"a watch 10 s later with ticks of its own", []Record{rec("a", 7, 100, sensor("T", 60)), rec("b", 17, 100, sensor("T", 70), app("Watch"))}, []string{"+7 100 x2"}},
		{"a receiver 100 s earlier, without ticks, with another value",
			[]Record{rec("a", 0, 103, sensor("T", 0), device(receiver)), rec("b", 100, 101, sensor("T", 60))}, []string{"+100 101 x2"}},
		{"149 s", []Record{rec("a", 0, 100), rec("b", 149, 150)}, []string{"+0 100 x2"}},
		{"150 s", []Record{rec("a", 0, 100), rec("b", 150, 100, device(receiver))}, []string{"+0 100 x1", "+150 100 x1"}},
		{"after the first one, not the one before", []Record{rec("a", 0, 100), rec("b", 100, 110), rec("c", 200, 120)}, []string{"+0 100 x2", "+200 120 x1"}},
		{"a constant value pairs one by one",
			[]Record{rec("a", 0, 100), rec("b", 20, 100, device(receiver)), rec("c", 300, 100), rec("d", 320, 100, device(receiver))},
			[]string{"+0 100 x2", "+300 100 x2"}},
		{"same time, other value: the phone's", []Record{rec("a", 0, 100, device(receiver)), rec("b", 0, 120)}, []string{"+0 120 x2 conflicts=1"}},
		{"same time, other value: the smallest id's", []Record{rec("b", 0, 100), rec("a", 0, 120)}, []string{"+0 120 x2 conflicts=1"}},
		{"same time and value", []Record{rec("b", 0, 100), rec("a", 0, 100)}, []string{"+0 100 x2"}},
		{"same time, one without a value", []Record{rec("b", 0, 100), rec("a", 0, 0, null(""))}, []string{"+0 100 x2"}},
		{"other time and value are no conflict", []Record{rec("a", 0, 100, device(receiver)), rec("b", 10, 120)}, []string{"+10 120 x2"}},

		{"phone beats receiver whatever the id", []Record{rec("a", 0, 100, device(receiver)), rec("z", 5, 101, device("ANDROID"))}, []string{"+5 101 x2"}},
		{"smallest id among phones", []Record{rec("b", 0, 100, device("android")), rec("a", 5, 101)}, []string{"+5 101 x2"}},
		{"receiver beats watch", []Record{rec("z", 9, 100, device("shareReceiver")), rec("a", 0, 101, app("G7 watch"))}, []string{"+9 100 x2"}},
		{"a device that says watch is one", []Record{rec("z", 9, 100, device("")), rec("a", 0, 101, device("AppleWatch"))}, []string{"+9 100 x2"}},
		{"phone beats watch of the same kind", []Record{rec("z", 9, 100, app("G7")), rec("a", 0, 101, app("WATCH"))}, []string{"+9 100 x2"}},
		{"no value is worse than a receiver's", []Record{rec("a", 0, 0, null("")), rec("b", 20, 100, device(receiver))}, []string{"+20 100 x2"}},
		{"a code is worse than a receiver's value", []Record{rec("a", 0, 5, sensor("T", 60)), rec("b", 20, 100, sensor("T", 60), device(receiver))}, []string{"+20 100 x2"}},
		{"but not than one of a clock hours off", []Record{rec("a", 7200, 5, sensor("T", 60)), rec("b", 20, 100, sensor("T", 60), device(receiver))}, []string{"+7200 -(implausible) x2"}},
		{"neither has a value", []Record{rec("a", 0, 0, null(""), device(receiver)), rec("b", 20, 0, null(""))}, []string{"+20 - x2"}},

		{"39 and 401 count as sent", []Record{rec("a", 0, 39), rec("b", 300, 401)}, []string{"+0 39 x1", "+300 401 x1"}},
		{"beyond are codes", []Record{rec("a", 0, 38), rec("b", 300, 402), rec("c", 600, 0), rec("d", 900, -5), rec("e", 1200, 12, func(r *Record) { r.Status = Low })},
			[]string{"+0 -(implausible) x1", "+300 -(implausible) x1", "+600 -(implausible) x1", "+900 -(implausible) x1", "+1200 -(implausible) x1"}},
		{"null with status", []Record{rec("a", 0, 0, null("low")), rec("b", 300, 0, null("high")), rec("c", 600, 0, null("ok")), rec("d", 900, 0, null("High"))},
			[]string{"+0 39(status) x1", "+300 401(status) x1", "+600 - x1", "+900 401(status) x1"}},
		{"39 and null low are one value", []Record{rec("a", 0, 39), rec("b", 20, 0, null("low"), device(receiver))}, []string{"+0 39 x2"}},
	}
	for _, tt := range tests {
		for _, shuffled := range []bool{false, true} {
			records := slices.Clone(tt.records)
			if shuffled {
				slices.Reverse(records)
			}
			if got := briefs(Readings(records, Person{})); !slices.Equal(got, tt.want) {
				t.Errorf("%s (reversed %v): Readings = %q, want %q", tt.name, shuffled, got, tt.want)
			}
		}
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestLocalTime(t *testing.T) {
	berlin, kolkata := zone(t, "Europe/Berlin"), zone(t, "Asia/Kolkata")
	dst := int64(time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC).Sub(base).Seconds()) // clocks go from 02:00 to 03:00
	tests := []struct {
		name   string
		record Record
		zone   *time.Location
		want   string
	}{
		{"sent", rec("a", 0, 100, offset(-300, "sent")), berlin, "2026-03-01 19:00:00 sent"},
		{"derived", rec("a", 0, 100, offset(90, "derived")), nil, "2026-03-02 01:30:00 derived"},
		{"unknown with a roster", rec("a", 0, 100), kolkata, "2026-03-02 05:30:00 roster"},
		{"unknown before spring", rec("a", dst-1, 100), berlin, "2026-03-29 01:59:59 roster"},
		{"unknown after spring", rec("a", dst, 100), berlin, "2026-03-29 03:00:00 roster"},
		{"unknown without a roster", rec("a", 0, 100), nil, "- unknown"},
		{"display time equal to system time is not trusted", rec("a", 0, 100, func(r *Record) { r.Display = Some(r.Time) }), nil, "- unknown"},
		{"drifting wall clock as the person saw it", rec("a", 0, 100, offset(60, "derived"), func(r *Record) { r.Display.V += 37 * second }), berlin, "2026-03-02 01:00:37 derived"},
		{"before 1970", rec("a", -base.Unix()-1, 100, offset(-60, "sent")), nil, "1969-12-31 22:59:59 sent"},
	}
	for _, tt := range tests {
		r := Readings([]Record{tt.record}, Person{Zone: tt.zone})[0]
		got := "- " + r.LocalFrom
		if r.Local.OK {
			local := time.UnixMicro(r.Local.V).UTC()
			got = local.Format(time.DateTime) + " " + r.LocalFrom
			if date := time.Unix(int64(r.LocalDate.V)*86400, 0).UTC(); date.Format(time.DateOnly) != local.Format(time.DateOnly) {
				t.Errorf("%s: local_date %s of local_time %s", tt.name, date.Format(time.DateOnly), got)
			}
		} else if r.LocalDate.OK {
			t.Errorf("%s: local_date without local_time", tt.name)
		}
		if got != tt.want {
			t.Errorf("%s: local = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestStudyDay(t *testing.T) {
	anchor := Some(int32(base.Unix() / 86400))
	for _, tt := range []struct {
		days int64
		want int32
	}{{0, 1}, {1, 2}, {-1, -1}, {-2, -2}, {13, 14}} {
		r := Readings([]Record{rec("a", tt.days*86400, 100, offset(0, "sent"))}, Person{Anchor: anchor})[0]
		if r.StudyDay != Some(tt.want) {
			t.Errorf("study day %d days after the anchor = %v, want %d", tt.days, r.StudyDay, tt.want)
		}
	}
	for name, r := range map[string]Reading{
		"without anchor":     Readings([]Record{rec("a", 0, 100, offset(0, "sent"))}, Person{})[0],
		"without local time": Readings([]Record{rec("a", 0, 100)}, Person{Anchor: anchor})[0],
	} {
		if r.StudyDay.OK {
			t.Errorf("study day %s = %v, want null", name, r.StudyDay)
		}
	}
}

// An hour of each letter: h at home (-5 h), n near (-3 h, 2 h off), w wrong,
// u unknown. Which hours are suspect?
func TestClockSuspect(t *testing.T) {
	newYork := zone(t, "America/New_York")
	tests := []struct{ name, hours, want string }{
		{"at home", "hhhh", "...."},
		{"two hours are not more than two", "hnnh", "...."},
		{"a wrong hour", "hwwh", ".!!."},
		{"the only hours", "ww", "!!"},
		{"a journey of a day", "h" + strings.Repeat("w", 25) + "h", strings.Repeat(".", 27)},
		{"just less than a day", "h" + strings.Repeat("w", 24) + "h", "." + strings.Repeat("!", 24) + "."},
		{"unknown does not end a stretch", "wuw", "!.!"},
		{"home ends it", strings.Repeat("w", 20) + "h" + strings.Repeat("w", 20), strings.Repeat("!", 20) + "." + strings.Repeat("!", 20)},
	}
	for _, tt := range tests {
		var records []Record
		for i, c := range tt.hours {
			r := rec(fmt.Sprintf("%04d", i), int64(i)*3600, 100)
			switch c {
			case 'h':
				offset(-300, "sent")(&r)
			case 'n':
				offset(-180, "sent")(&r)
			case 'w':
				offset(-179, "sent")(&r)
			}
			records = append(records, r)
		}
		got := ""
		for _, r := range Readings(records, Person{Zone: newYork}) {
			got += map[bool]string{false: ".", true: "!"}[r.ClockSuspect]
		}
		if got != tt.want {
			t.Errorf("%s: suspects of %s = %s, want %s", tt.name, tt.hours, got, tt.want)
		}
		for _, r := range Readings(records, Person{}) {
			if r.ClockSuspect {
				t.Errorf("%s: suspect without a roster's zone", tt.name)
			}
		}
	}
}

// Whatever comes: readings are unique and in order, no record counts twice,
// and the order in which records come makes no difference.
func TestReadingsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []Record
		for i := range rapid.IntRange(0, 40).Draw(t, "n") {
			r := rec(fmt.Sprintf("%03d", i), int64(rapid.IntRange(0, 60).Draw(t, "t"))*50, int16(rapid.IntRange(38, 42).Draw(t, "value")))
			r.Device = DeviceOf(rapid.SampledFrom([]string{"iOS", "android", receiver, ""}).Draw(t, "device"), "")
			r.Transmitter = rapid.SampledFrom([]string{"", "S", "T"}).Draw(t, "transmitter")
			r.Ticks = int64(rapid.IntRange(0, 20).Draw(t, "ticks"))
			r.Value.OK = rapid.IntRange(0, 5).Draw(t, "null") > 0
			records = append(records, r)
		}
		readings := Readings(slices.Clone(records), Person{})
		sources := 0
		for i, r := range readings {
			sources += int(r.Sources)
			if i > 0 && readings[i-1].Time >= r.Time {
				t.Fatalf("readings %d and %d: times %d, %d", i-1, i, readings[i-1].Time, r.Time)
			}
		}
		if sources > len(records) {
			t.Fatalf("%d records make readings of %d", len(records), sources)
		}
		shuffled := slices.Clone(records)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := Readings(shuffled, Person{}); !slices.Equal(readings, again) {
			t.Fatalf("Readings in another order = %v, want %v", briefs(again), briefs(readings))
		}
	})
}
