package transform

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
)

var asked = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// egvPage is a page of n records as an iPhone sends them, newest first.
func egvPage(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"recordType":"egv","recordVersion":"3.0","userId":"0123456789abcdef","records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		at := asked.Add(-time.Duration(i) * 5 * time.Minute)
		fmt.Fprintf(&b, `{"recordId":"2cab70ee-d3b4-5a34-9aa9-%012d","systemTime":"%s","displayTime":"%s-08:00",`+
			`"transmitterId":"%064x","transmitterTicks":%d,"value":%d,"trend":"flat","trendRate":%.1f,"unit":"mg/dL",`+
			`"rateUnit":"mg/dL/min","status":null,"displayDevice":"iOS","transmitterGeneration":"g7","displayApp":"G7"}`,
			i, at.Format(time.RFC3339), at.Add(-8*time.Hour).Format("2006-01-02T15:04:05"),
			1<<40, 864000-300*i, 70+i%200, float64(i%30)/10-1.5)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// BenchmarkApply is a page of 30 days, from plain JSON to Arrow.
func BenchmarkApply(b *testing.B) {
	a := Answer{RequestID: "01JQ", ParticipantID: "P001", ConnectionID: "C1", Resource: dexcom.EGVs, AskedAt: asked, Body: egvPage(8640)}
	b.SetBytes(int64(len(a.Body)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := Apply(b.Context(), memory.DefaultAllocator, a)
		if err != nil || batch.Records != 8640 || batch.Rejected > 0 || len(batch.Warnings) > 0 {
			b.Fatal(batch.Records, batch.Rejected, batch.Warnings, err)
		}
		batch.Release()
	}
}
