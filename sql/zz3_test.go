//go:build linux || darwin

package sql_test

import (
	"os"
	"testing"
)

func TestXX(t *testing.T) {
	db := openLake(t)
	s := cohort(9)
	s.load(t, db)
	var all string
	for _, v := range []string{"participant", "daily", "period", "window"} {
		all += table(t, db, `from `+v+`_metrics order by all`) + "\n"
	}
	os.WriteFile(os.Getenv("OUT"), []byte(all), 0o644)
}
