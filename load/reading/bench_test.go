package reading

import (
	"fmt"
	"slices"
	"testing"
)

// BenchmarkReadings makes readings of 90 days: of a phone with one sensor after
// the other, and of two devices that both send what two sensors say.
func BenchmarkReadings(b *testing.B) {
	const day = 86_400
	wear := func(records []Record, name string, from, to int64, devices ...string) []Record {
		for at := from; at < to; at += 300 {
			for i, d := range devices {
				id := fmt.Sprintf("%08x-%s-%d", uint32(at*2654435761), name, i)
				r := rec(id, at+int64(i)*20, int16(100+at/300%50), sensor(fmt.Sprintf("%064s", name), at-from+7), device(d), offset(0, "sent"))
				records = append(records, r)
			}
		}
		return records
	}
	var one, two []Record
	for d := int64(0); d < 90; d += 10 {
		one = wear(one, fmt.Sprint(d), d*day, (d+10)*day, "iOS")
		two = wear(two, fmt.Sprint(d), d*day, (d+10)*day, "iOS", receiver)
		two = wear(two, fmt.Sprint(d, "b"), d*day+99, (d+10)*day, "iOS", receiver)
	}
	Readings(two, Person{}) // sorts, as files are
	for _, records := range [][]Record{one, two} {
		b.Run(fmt.Sprint(len(records)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Readings(slices.Clone(records), Person{})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/record")
		})
	}
}
