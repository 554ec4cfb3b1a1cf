package dexcom

import (
	"fmt"
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

func BenchmarkRecords(b *testing.B) {
	plain := egvPage(8640)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		var e Envelope
		n := 0
		for _, err := range Records[EGV](plain, &e) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 8640 {
			b.Fatalf("%d records", n)
		}
	}
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
