package metrics

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// mageSegments are the first and the last row, from 1, of the 18 segments of the
// five people for which Fernandes 2022 publishes MAGE.
func mageSegments() [][2]int {
	return [][2]int{
		{405, 644}, {2994, 3281}, {3282, 3569}, {3570, 3857}, {3858, 4144}, {4145, 4432}, {5746, 5842}, {7413, 7698}, {7699, 7985},
		{7986, 8273}, {8274, 8561}, {8562, 8849}, {11018, 11301}, {11302, 11588}, {11589, 11830}, {11831, 12118}, {12119, 12406}, {12653, 12940},
	}
}

func TestMAGESegmentsEqualIGLU(t *testing.T) {
	var readings []Reading
	for _, row := range readCSV(t, "example_data_5_subject.csv") {
		at, err := time.Parse(time.DateTime, row["time"])
		if err != nil {
			t.Fatal(err)
		}
		glucose, err := strconv.ParseFloat(row["gl"], 64)
		if err != nil {
			t.Fatal(err)
		}
		readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: glucose, HasValue: true})
	}
	rows := readCSV(t, "iglu-mage-segments.csv")
	if len(rows) != len(mageSegments()) {
		t.Fatalf("got %d published segments, want %d", len(rows), len(mageSegments()))
	}
	for i, s := range mageSegments() {
		m := igluGrids(readings[s[0]-1 : s[1]]).Variability().MAGE
		for name, got := range map[string]float64{
			"mage_avg": m.AvgMgdL, "mage_plus": m.PlusMgdL, "mage_minus": m.MinusMgdL, "mage_service": m.ServiceMgdL, "mage_max": m.MaxMgdL,
		} {
			want, err := strconv.ParseFloat(rows[i][name], 64)
			if err != nil {
				want = math.NaN()
			}
			if !near(got, want, 1e-9) {
				t.Errorf("segment %d, rows %v, %s: got %.12g, iglu %.12g", i+1, s, name, got, want)
			}
		}
	}
}

// zigzag goes up and down in straight lines between the given values, in steps of
// 5 mg/dL.
func zigzag(turns ...float64) []float64 {
	glucose := []float64{turns[0]}
	for i := 1; i < len(turns); i++ {
		for v := turns[i-1]; v != turns[i]; {
			v += math.Copysign(5, turns[i]-v)
			glucose = append(glucose, v)
		}
	}
	return glucose
}

func TestMAGEByHand(t *testing.T) {
	nan := math.NaN()
	hours := func(n int) []float64 { return make([]float64, 12*n) } // without a value
	up := zigzag(100, 400, 100, 400)
	down := zigzag(400, 100, 300, 100)
	tests := []struct {
		name    string
		glucose []float64
		want    MAGE // Avg, Plus, Minus, Service, Max
	}{
		{"one rise", zigzag(100, 400), MAGE{300, 300, nan, 300, 300}},
		{"one fall", zigzag(400, 100), MAGE{300, nan, 300, 300, 300}},
		{"up first", zigzag(100, 400, 200, 500, 100), MAGE{300, 300, 300, 300, 300}},              // +300 -200 +300 -400
		{"down first", zigzag(400, 100, 300, 100), MAGE{225, 200, 250, 250, 250}},                 // -300 +200 -200
		{"a wiggle below one SD", zigzag(100, 300, 260, 400, 100), MAGE{300, 300, 300, 300, 300}}, // the peak extends to 400
		{"31 cells", zigzag(100, 250), MAGE{nan, nan, nan, nan, nan}},
		{"32 cells", zigzag(100, 255), MAGE{155, 155, nan, 155, 155}},
		// 180 cells of Avg 300 and 140 of 225, with 179 and 140 intervals.
		{"more than 3 hours apart", slices.Concat(up, hours(3), []float64{0}, down), MAGE{
			(180*300 + 140*225) / 320.0, (180*300 + 140*200) / 320.0, (180*300 + 140*250) / 320.0,
			(180*300 + 140*250) / 320.0, (180*300 + 140*250) / 320.0,
		}},
		{"3 hours apart", slices.Concat(zigzag(100, 400), hours(3), zigzag(400, 100)), MAGE{300, 300, 300, 300, 300}},
	}
	for _, test := range tests {
		readings := every(5*time.Minute, test.glucose...)
		for i := range readings {
			readings[i].HasValue = test.glucose[i] > 0
		}
		got := variabilityOf(readings).MAGE
		for i, pair := range [][2]float64{
			{got.AvgMgdL, test.want.AvgMgdL}, {got.PlusMgdL, test.want.PlusMgdL}, {got.MinusMgdL, test.want.MinusMgdL},
			{got.ServiceMgdL, test.want.ServiceMgdL}, {got.MaxMgdL, test.want.MaxMgdL},
		} {
			if !near(pair[0], pair[1], 1e-9) {
				t.Errorf("%s, number %d: got %+v, want %+v", test.name, i, got, test.want)
				break
			}
		}
	}
}

func TestNaiveMAGEByHand(t *testing.T) {
	// Mean 120, SD √((400+400+0+0)/3) = 16.3: 100 and 140 are further away.
	checkNear(t, "naive MAGE", naiveMAGE([]float64{100, 140, 120, 120}), 20)
}
