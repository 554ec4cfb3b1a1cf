//go:build linux || darwin

package sql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestZZMake(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	db := openLake(t)
	exec(t, db, `insert into glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl,
			glucose_source, overlap, clock_suspect)
		select 'P' || p, timestamp '2025-01-01' + interval 5 minute * i as time_utc, time_utc - interval 5 hour as local_time,
			local_time::date, 'sent', (150 + 60 * sin(i / 50.0) + 40 * sin(i / 7.0) + hash(i, p) % 20)::smallint, 'value', false, false
		from range(10) people (p), range(100000) readings (i)`)
	sumDays(t, db)
	exec(t, db, fmt.Sprintf(`create table many as
		select participant_id || '-' || k as participant_id, d.* exclude (participant_id) from glucose_days d, range(%d) copies (k)`, n))
	folder := os.Getenv("LAKE")
	os.MkdirAll(folder, 0o755)
	for month := range 12 {
		exec(t, db, fmt.Sprintf(`copy (from many where month(day) = %d order by participant_id, day, local_date)
			to '%s' (format parquet, compression zstd, row_group_size 2048)`, month+1, filepath.Join(folder, fmt.Sprintf("%02d.parquet", month+1))))
	}
}

func TestZZ(t *testing.T) {
	db := openLake(t)
	db.SetMaxOpenConns(1)
	exec(t, db, `set threads = 2`)
	exec(t, db, `drop table glucose_days`)
	exec(t, db, `create view glucose_days as from read_parquet('`+os.Getenv("LAKE")+`/*.parquet')`)
	exec(t, db, `insert into participants (participant_id, timezone) select distinct participant_id, 'America/New_York' from glucose_days`)
	runs, _ := strconv.Atoi(os.Getenv("RUNS"))
	if runs == 0 {
		runs = 3
	}
	if pre := os.Getenv("PRE"); pre != "" {
		for _, s := range strings.Split(pre, ";") {
			exec(t, db, s)
		}
	}
	for _, q := range strings.Split(os.Getenv("Q"), ";") {
		q = strings.TrimSpace(q)
		var plan, wall, cpu time.Duration
		for i := range runs {
			at := time.Now()
			query(t, db, "explain "+q)
			p := time.Since(at)
			c := cpuTime()
			at = time.Now()
			got := query(t, db, q)
			w := time.Since(at)
			c = cpuTime() - c
			if i == 0 || w < wall {
				wall, cpu, plan = w, c, p
			}
			if len(got) == 0 {
				t.Log("no rows")
			}
		}
		t.Logf("%-60.60s plan %4d ms wall %5d ms cpu %5d ms", q, plan.Milliseconds(), wall.Milliseconds(), cpu.Milliseconds())
		if os.Getenv("PROFILE") != "" {
			exec(t, db, "set enable_profiling='json'")
			exec(t, db, "set profiling_mode='detailed'")
			exec(t, db, "set profiling_output='"+os.Getenv("PROFILE")+"'")
			query(t, db, q)
			exec(t, db, "set enable_profiling='no_output'")
			exec(t, db, "pragma disable_profiling")
		}
		if os.Getenv("EXPLAIN") != "" {
			rows, _ := db.QueryContext(context.Background(), "explain analyze "+q)
			for rows.Next() {
				var a, b string
				rows.Scan(&a, &b)
				os.WriteFile(os.Getenv("EXPLAIN"), []byte(b), 0o644)
			}
			rows.Close()
		}
	}
}
