package sql_test

import (
	"database/sql"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	views "github.com/dexetl/dexetl/sql"
)

var millions = flag.Int("readings", 10, "millions of readings of BenchmarkMetrics")

// BenchmarkMetrics reads the metric views over sums of so many readings, of people
// with 100,000 each, in files as the lake has them: by month, then by participant.
// Everybody has values of their own.
func BenchmarkMetrics(b *testing.B) {
	db := openLake(b)
	exec(b, db, `set threads = 2`)
	exec(b, db, `set memory_limit = '2GB'`) // as sessions have it
	exec(b, db, `set parquet_metadata_cache = true`)
	exec(b, db, `set temp_directory = '`+b.TempDir()+`'`)
	exec(b, db, `insert into glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl,
			glucose_source, overlap, clock_suspect)
		select 'P' || p, timestamp '2025-01-01' + interval 5 minute * i as time_utc, time_utc - interval 5 hour as local_time,
			local_time::date, 'sent', (150 + 60 * sin(i / 50.0) + 40 * sin(i / 7.0) + hash(i, p) % 20)::smallint, 'value', false, false
		from range(10) people (p), range(100000) readings (i)`)
	sumDays(b, db)
	exec(b, db, `delete from glucose`)
	exec(b, db, fmt.Sprintf(`create table many as
		select participant_id || '-' || k as participant_id, d.* exclude (participant_id) replace (
			sum_mgdl + n_values * shift as sum_mgdl, sum_mgdl2 + 2 * shift * sum_mgdl + n_values * shift * shift as sum_mgdl2,
			list_transform(glucose_mgdl, lambda g: (g + shift)::smallint) as glucose_mgdl)
		from glucose_days d, (select k, k %% 21 - 10 as shift from range(%d) copies (k))`, *millions))
	folder := b.TempDir()
	for month := range 12 {
		exec(b, db, fmt.Sprintf(`copy (from many where month(day) = %d order by participant_id, day, local_date)
			to '%s' (format parquet, compression zstd, row_group_size 2048)`, month+1, filepath.Join(folder, fmt.Sprintf("%02d.parquet", month+1))))
	}
	exec(b, db, `insert into participants (participant_id, timezone) select distinct participant_id, 'America/New_York' from many`)
	exec(b, db, `drop table many`)
	exec(b, db, `drop table glucose_days`)
	sums := folder + "/*.parquet"
	exec(b, db, `create view glucose_days as from read_parquet('`+sums+`')`)
	for _, family := range []struct{ name, statement string }{
		{"participant", `select * from participant_metrics`},
		{"consensus", `select * from consensus_metrics`},
		{"period", `select * from period_metrics`},
		{"one daily", oneDaily},
	} {
		b.Run(family.name, func(b *testing.B) { read(b, db, family.statement) })
	}
	storeDays(b, db, sums)
	b.Run("one daily stored", func(b *testing.B) { read(b, db, oneDaily) })
}

const oneDaily = `select * from daily_metrics where participant_id = 'P7-0'`

// read reads the rows of a statement again and again.
func read(b *testing.B, db *sql.DB, statement string) {
	spent := cpuTime()
	for b.Loop() {
		drain(b, db, statement)
	}
	b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(*millions)*1e6*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
}

// storeDays has daily_metrics read its rows in files as a snapshot has them, with numbers in
// the place of what depends on the order of readings. Ten people are computed at a time: the
// view has the days of all it is asked for in memory.
func storeDays(b *testing.B, db *sql.DB, sums string) {
	var numbers string
	for _, m := range views.SpanCatalogue() {
		numbers += ", hash(participant_id, local_date, '" + m.Name + "') % 1000000 / 7 as " + m.Name
	}
	for copied := range *millions {
		people := make([]string, 10)
		for p := range people {
			people[p] = fmt.Sprintf("'P%d-%d'", p, copied)
		}
		exec(b, db, `create or replace view glucose_days as from read_parquet('`+sums+`') where participant_id in (`+strings.Join(people, ", ")+`)`)
		exec(b, db, `delete from span_metrics`)
		exec(b, db, `insert into span_metrics by name
			select participant_id, 'day' as scope, '' as label, local_date as first_date`+numbers+`
			from (select distinct participant_id, local_date from glucose_days)`)
		into := `insert into stored_days`
		if copied == 0 {
			into = `create table stored_days as`
		}
		exec(b, db, into+"\n"+views.PackedDays())
	}
	folder := b.TempDir()
	for month := range 12 {
		exec(b, db, fmt.Sprintf(`copy (from stored_days where month(local_date) = %d order by participant_id, local_date)
			to '%s' (format parquet, compression zstd, row_group_size 2048)`, month+1, filepath.Join(folder, fmt.Sprintf("%02d.parquet", month+1))))
	}
	exec(b, db, `drop table stored_days`)
	exec(b, db, views.DaysFrom("read_parquet('"+folder+"/*.parquet')"))
}

// drain reads the rows of a statement, of which there must be some, and keeps none.
func drain(b *testing.B, db *sql.DB, statement string) {
	rows, err := db.QueryContext(b.Context(), statement)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		found = true
	}
	if err := rows.Err(); err != nil || !found {
		b.Fatalf("%s: rows %v, error %v", statement, found, err)
	}
}

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

// BenchmarkSensors reads the metrics of every sensor of 180 people, who wear each for
// ten days.
func BenchmarkSensors(b *testing.B) {
	db := openLake(b)
	exec(b, db, `set threads = 2`)
	exec(b, db, `insert into participants (participant_id, timezone)
		select 'P' || p, 'America/New_York' from range(180) people (p)`)
	exec(b, db, `insert into glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl,
			glucose_source, overlap, clock_suspect)
		select 'P' || p, timestamp '2025-01-01' + interval 5 minute * i as time_utc, time_utc - interval 5 hour as local_time,
			local_time::date, 'sent', (150 + 60 * sin(i / 50.0) + 40 * sin(i / 7.0) + hash(i, p) % 20)::smallint, 'value', false, false
		from range(180) people (p), range(4000) readings (i)`)
	exec(b, db, `insert into egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_generation)
		select participant_id, time_utc::varchar, time_utc, local_time, 'T' || (epoch_us(time_utc) + 40_000_000_000) // (240 * 3_600_000_000), 'g7'
		from glucose`)
	sumDays(b, db)
	spent := cpuTime()
	for b.Loop() {
		drain(b, db, `select * from sensor_metrics`)
	}
	b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N), "cpu-ms/op")
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
