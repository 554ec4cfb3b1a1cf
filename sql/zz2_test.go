//go:build linux || darwin

package sql_test

import (
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"

	views "github.com/dexetl/dexetl/sql"
)

func TestYY(t *testing.T) {
	db := openLake(t)
	db.SetMaxOpenConns(1)
	exec(t, db, `set threads = 2`)
	for _, name := range strings.Fields(os.Getenv("EMPTY")) {
		for _, s := range views.Create(views.Views()) {
			if strings.HasPrefix(s, "create or replace view "+name+" as") {
				exec(t, db, s)
				break
			}
		}
	}
	exec(t, db, "set enable_profiling='json'")
	exec(t, db, "set profiling_mode='detailed'")
	exec(t, db, "set profiling_output='/tmp/fast/yy.json'")
	for _, q := range strings.Split(os.Getenv("Q"), ";") {
		var b, o, p []float64
		for range 25 {
			query(t, db, q)
			text, _ := os.ReadFile("/tmp/fast/yy.json")
			var m map[string]any
			json.Unmarshal(text, &m)
			f := func(k string) float64 { v, _ := m[k].(float64); return v }
			b, o, p = append(b, f("planner_binding")), append(o, f("all_optimizers")), append(p, f("physical_planner"))
		}
		sort.Float64s(b)
		sort.Float64s(o)
		sort.Float64s(p)
		t.Logf("%-60.60s bind %5.1f opt %5.1f phys %5.1f ms", q, b[0]*1000, o[0]*1000, p[0]*1000)
	}
}
