package figure

import (
	"fmt"
	"html"
	"math"

	"github.com/dexetl/dexetl/report/number"
)

// A Risk is the glycemia risk index of somebody and its two components.
type Risk struct {
	Name        string // who it is
	Hypo, Hyper float64
	GRI         float64
	Zone        string // A to E
	Little      bool   // it is of too little data
}

// riskZones are the upper bounds of the zones A to E (Klonoff 2022, doi
// 10.1177/19322968221085273).
func riskZones() []float64 { return []float64{20, 40, 60, 80, math.Inf(1)} }

// riskOf is the index of two components, without its bound of 100; it is the same formula
// as metrics has, by its components.
func riskOf(hypo, hyper float64) float64 { return 3*hypo + 1.6*hyper }

// The room of the grid, and the least that its axes show, as in Klonoff 2022.
const (
	riskWidth, riskHeight     = 460.0, 400.0
	riskLeft, riskRight       = 44.0, 12.0
	riskTop, riskBottom       = 10.0, 44.0
	leastHypo, leastHyper     = 30.0, 60.0
	riskRadius                = 4.0
	riskTickHypo, riskTickHyp = 10.0, 20.0
)

// RiskGrid has a point for each participant: its hypoglycemia component to the right, its
// hyperglycemia component upwards, on the zones of the index.
func RiskGrid(all []Risk) Figure {
	hypo, hyper := riskScales(all)
	c := newCanvas(riskWidth, riskHeight)
	c.drawZones(hypo, hyper)
	for x := 0.0; x <= hypo.to; x += riskTickHypo {
		c.text("middle", hypo.of(x), riskHeight-riskBottom+16, number.Decimal(x, 0))
	}
	for y := 0.0; y <= hyper.to; y += riskTickHyp {
		c.text("end", riskLeft-6, hyper.of(y)+4, number.Decimal(y, 0))
	}
	c.line("axis", riskLeft, hyper.start, riskWidth-riskRight, hyper.start)
	c.line("axis", riskLeft, hyper.start, riskLeft, riskTop)
	c.text("middle", (riskLeft+riskWidth-riskRight)/2, riskHeight-6, "hypoglycemia component, %")
	fmt.Fprintf(&c.b, `<text class="middle" transform="translate(12 %s) rotate(-90)">hyperglycemia component, %%</text>`, coordinate((riskTop+hyper.start)/2))
	for _, r := range all {
		class := "risk"
		if r.Little {
			class = "risk little"
		}
		fmt.Fprintf(&c.b, `<circle class="%s" cx="%s" cy="%s" r="%s"><title>%s</title></circle>`,
			class, coordinate(hypo.of(r.Hypo)), coordinate(hyper.of(r.Hyper)), coordinate(riskRadius), html.EscapeString(r.words()))
	}
	return Figure{
		Title: "Glycemia risk index",
		Note:  "A point is a participant with readings in the dates, followed or not; its id is shown when the pointer rests on it. Zones A to E end at an index of 20, 40, 60 and 80. Hollow points are of too little data.",
		SVG:   c.svg("risk-grid", "Glycemia risk index of each participant", riskSummary(all)),
		Data:  riskTable(all),
	}
}

// riskScales are those of the two axes, which show everybody.
func riskScales(all []Risk) (hypo, hyper scale) {
	right, top := leastHypo, leastHyper
	for _, r := range all {
		right, top = max(right, 10*math.Ceil(r.Hypo/10)), max(top, 20*math.Ceil(r.Hyper/20))
	}
	return scale{0, right, riskLeft, riskWidth - riskRight}, scale{0, top, riskHeight - riskBottom, riskTop}
}

// drawZones draws the zones from E down to A, each over the former: a zone is all below its
// upper line. The grid is so large that every line goes from one axis to the other.
func (c *canvas) drawZones(hypo, hyper scale) {
	zones := riskZones()
	for i := len(zones) - 1; i >= 0; i-- {
		c.path(fmt.Sprintf("zone-%c", 'a'+i), polyline(zoneCorners(zones[i], hypo, hyper))+"Z")
	}
	for i, bound := range zones {
		from := 20 * float64(i)
		share := (from + min(bound, from+20)) / 2 / riskOf(hypo.to, hyper.to) // along the diagonal
		c.text("middle zone-name", hypo.of(hypo.to*share), hyper.of(hyper.to*share)+5, string(rune('A'+i)))
	}
}

// zoneCorners are those of what of the grid has an index of at most bound.
func zoneCorners(bound float64, hypo, hyper scale) []point {
	corners := []point{{0, 0}, {bound / 3, 0}, {0, bound / 1.6}}
	if math.IsInf(bound, 1) {
		corners = []point{{0, 0}, {hypo.to, 0}, {hypo.to, hyper.to}, {0, hyper.to}}
	}
	for i, p := range corners {
		corners[i] = point{hypo.of(p.x), hyper.of(p.y)}
	}
	return corners
}

func (r Risk) words() string {
	said := fmt.Sprintf("%s: GRI %s, zone %s", r.Name, number.Decimal(r.GRI, 0), r.Zone)
	if r.Little {
		said += ", too little data"
	}
	return said
}

// riskSummary says how many there are in each zone.
func riskSummary(all []Risk) string {
	counts := [5]int{}
	for _, r := range all {
		if len(r.Zone) == 1 && r.Zone[0] >= 'A' && r.Zone[0] <= 'E' {
			counts[r.Zone[0]-'A']++
		}
	}
	return fmt.Sprintf("%d participants: %d in zone A, the lowest risk, %d in B, %d in C, %d in D, %d in E.",
		len(all), counts[0], counts[1], counts[2], counts[3], counts[4])
}

func riskTable(all []Risk) Table {
	t := Table{Columns: append(Words("participant"), append(Numbers("hypoglycemia component, %", "hyperglycemia component, %", "GRI"), Words("zone", "data")...)...)}
	for _, r := range all {
		t.Rows = append(t.Rows, []string{r.Name, number.Amount(r.Hypo, 1), number.Amount(r.Hyper, 1), number.Decimal(r.GRI, 0), r.Zone, littleWords(r.Little)})
	}
	return t
}

func littleWords(little bool) string {
	if little {
		return "too little"
	}
	return "enough"
}
