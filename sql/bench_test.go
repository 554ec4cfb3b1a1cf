package sql_test

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkViews reads the main views over five million readings: 50 people,
// a year each, in the order of the lake.
func BenchmarkViews(b *testing.B) {
	db := openLake(b)
	exec(b, db, `set threads = 2`)
	exec(b, db, `insert into participants (participant_id, timezone)
		select 'P' || p, 'America/New_York' from range(50) people (p)`)
	exec(b, db, `insert into glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl,
			glucose_source, transmitter_id, n_sources, overlap, clock_suspect)
		select 'P' || p, timestamp '2025-01-01' + interval 5 minute * i as time_utc, time_utc - interval 5 hour as local_time,
			local_time::date, 'sent', (150 + 60 * sin(i / 50.0) + 40 * sin(i / 7.0) + hash(i, p) % 20)::smallint,
			'value', 'T' || i // 2880, 1, false, false
		from range(50) people (p), range(105120) readings (i)
		where hash(i // 20, p) % 25 > 0
		order by p, i`)
	sumDays(b, db)
	for name, statement := range map[string]string{
		"participant": `select * from participant_metrics`,
		"daily":       `select * from daily_metrics`,
		"one daily":   `select * from daily_metrics where participant_id = 'P7'`,
		"consensus":   `select * from consensus_metrics`,
		"profile":     `select * from agp_profile where bin_min = 15`,
	} {
		b.Run(name, func(b *testing.B) {
			spent := cpuTime()
			for b.Loop() {
				if got := query(b, db, statement); len(got) == 0 {
					b.Fatalf("%s: no rows", statement)
				}
			}
			b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N), "cpu-ms/op") // what a busy machine does not change
		})
	}
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
