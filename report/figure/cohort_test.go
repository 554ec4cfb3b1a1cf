package figure

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// nobody are ranges without a value.
func nobody() Ranges {
	none := math.NaN()
	return Ranges{none, none, none, none, none}
}

func TestSpark(t *testing.T) {
	got := string(Spark(Ranges{0.3, 1.2, 70.5, 20, 8}))
	const want = `<svg class="spark" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="0.3 % very low, 1.2 % low, 70.5 % in range, 20.0 % high, 8.0 % very high"><title>0.3 % very low, 1.2 % low, 70.5 % in range, 20.0 % high, 8.0 % very high</title><desc>Numbers are in this row, and below the figure Time in ranges.</desc>` +
		`<rect class="very-low" x="0" width="0.3" height="10"/><rect class="low" x="0.3" width="1.2" height="10"/><rect class="in-range" x="1.5" width="70.5" height="10"/>` +
		`<rect class="high" x="72" width="20" height="10"/><rect class="very-high" x="92" width="8" height="10"/></svg>`
	if got != want {
		t.Errorf("Spark is\n%s\nwant\n%s", got, want)
	}
	if got := Spark(nobody()); got != "" {
		t.Errorf("Spark without a value is %s", got)
	}
}

func risks() []Risk {
	return []Risk{
		{Name: "P001", Hypo: 1.4, Hyper: 8.2, GRI: 17.3, Zone: "A"},
		{Name: "P<2>", Hypo: 4, Hyper: 20, GRI: 44, Zone: "C"},
		{Name: "P003", Hypo: 0, Hyper: 71, GRI: 100, Zone: "E", Little: true},
	}
}

func TestRiskGrid(t *testing.T) { golden(t, "risk", RiskGrid(risks())) }

// Where a point stands agrees with its zone: the index of the two components is that of the
// band it lies in.
func TestRiskOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) float64 { return rapid.Float64Range(0, 25).Draw(t, name) }
		veryLow, low, high, veryHigh := draw("very low"), draw("low"), draw("high"), draw("very high")
		want := 3*veryLow + 2.4*low + 1.6*veryHigh + 0.8*high // Klonoff 2022
		if got := riskOf(veryLow+0.8*low, veryHigh+0.5*high); math.Abs(got-want) > 1e-9 {
			t.Fatalf("riskOf is %v, want %v", got, want)
		}
	})
}

// The corners of a zone lie in the grid, on the axes those of the bound.
func TestZoneCorners(t *testing.T) {
	for _, size := range []point{{leastHypo, leastHyper}, {100, 100}} {
		hypo, hyper := scale{0, size.x, 0, size.x}, scale{0, size.y, 0, size.y}
		for _, bound := range riskZones() {
			for _, p := range zoneCorners(bound, hypo, hyper) {
				risk := riskOf(p.x, p.y)
				if p.x < 0 || p.y < 0 || p.x > size.x || p.y > size.y || risk > 0 && risk-bound > 1e-9 || bound < 100 && risk > 0 && bound-risk > 1e-9 {
					t.Errorf("zone up to %v of a grid of %v has a corner at %v, where the index is %v", bound, size, p, risk)
				}
			}
		}
	}
}

func shares() []Share {
	return []Share{
		{Name: "P001", Ranges: Ranges{0, 1, 60, 30, 9}},
		{Name: "P002", Ranges: Ranges{1, 4, 90, 5, 0}},
		{Name: "P003", Ranges: Ranges{0, 0, 95, 5, 0}, Little: true},
	}
}

func TestDistribution(t *testing.T) { golden(t, "distribution", Distribution(shares())) }

// Those of too little data come last, however much time in range they have.
func TestDistributionOrder(t *testing.T) {
	order := ""
	for _, row := range Distribution(shares()).Data.Rows {
		order += row[0] + " "
	}
	if want := "P002 P001 P003 "; order != want {
		t.Errorf("the order is %s, want %s", order, want)
	}
}

func TestBars(t *testing.T) {
	golden(t, "bars", Bars("lag", "Age", "age", "participants", []Count{{"under 3 h", 8}, {"never", 0}, {"1 to 2 d", 3}}))
}

// A cohort of 1,000 is drawn in some hundred kB.
func TestCohortIsSmall(t *testing.T) {
	var risk []Risk
	var share []Share
	for i := range 1000 {
		name := fmt.Sprintf("PARTICIPANT-%04d", i)
		risk = append(risk, Risk{Name: name, Hypo: float64(i%30) / 3, Hyper: float64(i % 59), GRI: float64(i % 100), Zone: "C"})
		share = append(share, Share{Name: name, Ranges: Ranges{0.4, 3.3, 70.1, 20.2, 6}})
	}
	if n := len(RiskGrid(risk).SVG); n > 200_000 {
		t.Errorf("the grid has %d bytes", n)
	}
	if n := len(Distribution(share).SVG); n > 700_000 {
		t.Errorf("the distribution has %d bytes", n)
	}
	if svg := string(Distribution(share).SVG); strings.Contains(svg, `width="0"`) {
		t.Error("bars of no width")
	}
}
