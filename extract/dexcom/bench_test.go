package dexcom

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// egvPage is a page of n records as an iPhone sends them, newest first.
func egvPage(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"0123456789abcdef","records":[`)
	newest := time.Date(2026, 3, 31, 23, 58, 41, 0, time.UTC)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		at := newest.Add(-time.Duration(i) * 5 * time.Minute)
		fmt.Fprintf(&b, `{"recordId":"2cab70ee-d3b4-5a34-9aa9-%012d","systemTime":"%s","displayTime":"%s-08:00",`+
			`"transmitterId":"%064x","transmitterTicks":%d,"value":%d,"trend":"flat","trendRate":%.1f,"unit":"mg/dL",`+
			`"rateUnit":"mg/dL/min","status":null,"displayDevice":"iOS","transmitterGeneration":"g7","displayApp":"G7"}`,
			i, at.Format(time.RFC3339), at.Add(-8*time.Hour).Format("2006-01-02T15:04:05"),
			1<<40, 864000-300*i, 70+i%200, float64(i%30)/10-1.5)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// eventPage is a page of n events as an iPhone sends them.
func eventPage(n int) []byte {
	records := make([]string, n)
	for i := range records {
		records[i] = fmt.Sprintf(`{"recordId":"7cab70ee-d3b4-5a34-9aa9-%012d","systemTime":"2026-03-31T23:58:41Z","displayTime":"2026-03-31T15:58:41-08:00",`+
			`"recordedSystemTime":"2026-03-31T23:59:00Z","recordedDisplayTime":"2026-03-31T15:59:00-08:00","eventStatus":"created","eventType":"carbs",`+
			`"eventSubType":null,"value":"%d","unit":"grams","transmitterId":"%064x","transmitterGeneration":"g7","displayDevice":"iOS","displayApp":"G7"}`,
			i, i%90, 1<<40)
	}
	return pageOf(Events, records...)
}

// devicePage is a page of n devices, each with a schedule of all ten alerts for the day
// and one for the night.
func devicePage(n int) []byte {
	setting := `{"systemTime":"2026-02-02T17:53:03Z","displayTime":"2026-02-02T09:53:03-08:00","alertName":"high","value":200,"unit":"mg/dL",` +
		`"snooze":30,"enabled":true,"delay":0,"secondaryTriggerCondition":null,"soundTheme":"modern","soundOutputMode":"match"}`
	schedule := `{"alertScheduleSettings":{"alertScheduleName":"Night","isEnabled":true,"isDefaultSchedule":false,"startTime":"22:00","endTime":"07:00",` +
		`"daysOfWeek":["sunday","monday","tuesday"],"isActive":true,"override":{"isOverrideEnabled":true,"mode":"quiet","endTime":"2026-03-14T11:30:00.000-07:00"}},` +
		`"alertSettings":[` + strings.Repeat(setting+",", 9) + setting + `]}`
	device := fmt.Sprintf(`{"lastUploadDate":"2026-03-14T15:05:02Z","transmitterId":"%064x","transmitterGeneration":"g7",`+
		`"transmitterGenerationVariant":"g7","displayDevice":"iOS","displayApp":"G7","alertSchedules":[%s,%s]}`, 1<<40, schedule, schedule)
	return pageOf(Devices, slices.Repeat([]string{device}, n)...)
}

func BenchmarkRecords(b *testing.B) {
	const n = 8640
	b.Run("egvs", func(b *testing.B) { benchmarkRecords[EGV](b, egvPage(n), n) })
	b.Run("events", func(b *testing.B) { benchmarkRecords[Event](b, eventPage(n), n) })
	b.Run("devices", func(b *testing.B) { benchmarkRecords[Device](b, devicePage(500), 500) })
}

func benchmarkRecords[R Record, P Pointer[R]](b *testing.B, plain []byte, want int) {
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		var e Envelope
		n := 0
		for _, err := range Records[R, P](plain, &e) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != want {
			b.Fatalf("%d records", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*want), "ns/record")
}

func BenchmarkCheck(b *testing.B) {
	plain := egvPage(8640)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		if e, err := check(b.Context(), plain, EGVs); err != nil || e.Records != 8640 {
			b.Fatal(e.Records, err)
		}
	}
}
