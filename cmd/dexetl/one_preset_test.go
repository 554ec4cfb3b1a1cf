package main

import (
	"encoding/csv"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// What counts of sentinels does so wherever metrics are of, by either preset; their number
// is told whatever counts.
func checkSentinels(t *testing.T, b *bench, path string) {
	t.Helper()
	told := map[string]float64{"n_low_sentinel": 10, "n_high_sentinel": 20, "censored_pct": 100 * 30. / 288, "n_readings": 288, "n_implausible": 0}
	wants := map[string]map[string]float64{
		"as sent": {"n_values": 288, "mean_mgdl": (10*39. + 258*120 + 20*401) / 288, "min_mgdl": 39, "max_mgdl": 401, "distance_mgdl": 81 + 281, "n_slots": 288, "tbr54_pct": 100 * 10. / 288},
		"40-400":  {"n_values": 288, "mean_mgdl": (10*40. + 258*120 + 20*400) / 288, "min_mgdl": 40, "max_mgdl": 400, "distance_mgdl": 80 + 280, "n_slots": 288, "tbr54_pct": 100 * 10. / 288},
		"exclude": {"n_values": 258, "mean_mgdl": 120, "min_mgdl": 120, "max_mgdl": 120, "distance_mgdl": 0, "n_slots": 258, "tbr54_pct": 0},
	}
	for sentinels, want := range wants {
		maps.Copy(want, told)
		for preset, overs := range map[string][][]string{
			"dexetl-1": {nil, {"--window", "all"}, {"--window", "all", "--select", "last1"}, {"--from", "2025-06-10"}, {"--input", path, "--select", "last1"}},
			"iglu":     {{"--select", "last1"}, {"--input", path}},
		} {
			for _, over := range overs {
				args := append([]string{"metrics", "sentinels", "--csv", "--preset", preset, "--sentinels", sentinels}, over...)
				checkClocks(t, strings.Join(args, " "), []clockCase{{id: "sentinels", want: want}}, b.must(args...))
			}
		}
	}
}

// A lake's readings, written to a file and read again, have the same metrics to the last
// digit: there is one preset. What a file cannot say is not compared.
func TestFileOfALakeHasItsMetrics(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 16, Participants: 4, Days: 9, End: demoNow})
	b.must("backfill")
	file := b.must("query", "--csv", `select participant_id as id,
		strftime(local_time, '%Y-%m-%dT%H:%M:%S') || printf('%s%02d:%02d', if(ahead < 0, '-', '+'), abs(ahead) // 60, abs(ahead) % 60) as "time", glucose_mgdl as gl
		from (select *, (epoch_us(local_time) - epoch_us(time_utc)) // 60_000_000 as ahead from glucose where excluded is null and local_time is not null) order by 1, 2`)
	dates := []string{"--csv", "--from", demoNow.AddDate(0, 0, -8).Format(time.DateOnly), "--to", demoNow.AddDate(0, 0, -1).Format(time.DateOnly)}
	lake, err := csv.NewReader(strings.NewReader(b.must(append([]string{"metrics"}, dates...)...))).ReadAll()
	check(t, err)
	read, err := csv.NewReader(strings.NewReader(b.must(append([]string{"metrics", "--input", b.file("lake.csv", file)}, dates...)...))).ReadAll()
	check(t, err)
	notInFiles := []string{"n_excluded", "n_implausible", "n_clock_suspect", "n_overlap", "n_unknown_local_time"}
	compared := 0
	for _, row := range lake[1:] {
		at := slices.IndexFunc(read, func(r []string) bool { return r[0] == row[0] })
		for i, name := range lake[0] {
			if at > 0 && !slices.Contains(notInFiles, name) {
				compared++
				if row[i] != read[at][i] {
					t.Errorf("%s: %s is %s in the lake, %s of its file", row[0], name, row[i], read[at][i])
				}
			}
		}
	}
	if compared < 300 || !slices.Equal(lake[0], read[0]) {
		t.Errorf("compared %d metrics", compared)
	}
}
