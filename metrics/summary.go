package metrics

import (
	"math"
	"time"
)

// A Scope says over what a [Summary] is taken and by which rules.
type Scope struct {
	Minutes   int       // length of the interval; see Minutes
	Around    []Reading // the participant's other readings
	StepMin   int       // by iglu's rules: every reading stands for so long, see MedianStep, and slots are 5 minutes wide; 0: as the readings say
	RiskScale float64   // RiskScale or RiskScaleIGLU
}

// A Summary holds the metrics of one participant over one interval. Shares and
// statistics of no values are NaN.
type Summary struct {
	Readings, Values, Days, Excluded int
	LowSentinels, HighSentinels      int // values of 39 and 401 mg/dL
	ClockSuspect, Overlap            int
	Implausible                      int
	MeanMgdL, SDMgdL, CVPct          float64
	MedianMgdL, MinMgdL, MaxMgdL     float64
	GMIPct, EA1CPct                  float64
	Ranges                           Ranges // of values
	RangeMin                         Ranges // minutes that these stand for
	Risk                             Risk
	LBGI, HBGI                       float64
	CadenceMin                       int // see Cadence
	Slots, ExpectedSlots             int
	ActiveWindowPct, ActiveSpanPct   float64
	CensoredPct                      float64   // sentinels in percent of values
	FirstLocal, LastLocal            time.Time // of values; zero if none has local time
}

// Summarize computes the metrics of readings, which are those of the scope, in
// any order.
func Summarize(readings []Reading, scope Scope) Summary {
	slotted, slottedAround := readings, scope.Around
	stepped, steppedAround := readings, scope.Around
	if scope.StepMin > 0 {
		slotted, slottedAround = Keeping(readings, igluSlot), Keeping(scope.Around, igluSlot)
		stepped, steppedAround = Keeping(readings, scope.StepMin), Keeping(scope.Around, scope.StepMin)
	}
	counted := valued(stepped)
	glucose := values(counted)
	s := count(readings)
	s.Values = len(glucose)
	s.MeanMgdL, s.SDMgdL = Mean(glucose), SD(glucose)
	s.CVPct = 100 * s.SDMgdL / s.MeanMgdL
	s.MinMgdL, s.MedianMgdL, s.MaxMgdL = Quantile(glucose, 0), Quantile(glucose, 0.5), Quantile(glucose, 1)
	s.GMIPct, s.EA1CPct = GMI(s.MeanMgdL), EA1C(s.MeanMgdL)
	s.Ranges = CountRanges(glucose)
	s.Risk = s.Ranges.GRI()
	s.LBGI, s.HBGI = BloodGlucoseIndices(glucose, scope.RiskScale)
	s.RangeMin = rangeMinutes(counted)
	s.CadenceMin = Cadence(stepped)
	if len(counted) == 0 && scope.StepMin > 0 {
		s.CadenceMin = scope.StepMin
	}
	s.Slots, _ = Slots(slotted, slottedAround)
	s.ExpectedSlots = ExpectedSlots(slotted, slottedAround, scope.Minutes)
	s.ActiveWindowPct = ActiveWindow(slotted, slottedAround, scope.Minutes)
	s.ActiveSpanPct = ActiveSpan(stepped, steppedAround)
	s.place(counted)
	return s
}

// count counts what needs no value.
func count(readings []Reading) Summary {
	var s Summary
	for _, r := range readings {
		if r.Excluded {
			s.Excluded++
			continue
		}
		s.Readings++
		if r.ClockSuspect {
			s.ClockSuspect++
		}
		if r.Overlap {
			s.Overlap++
		}
		if r.Implausible {
			s.Implausible++
		}
	}
	return s
}

// place fills what counts single values: sentinels, days, first and last.
func (s *Summary) place(sorted []Reading) {
	days := map[time.Time]bool{}
	for _, r := range sorted {
		switch r.GlucoseMgdL {
		case 39:
			s.LowSentinels++
		case 401:
			s.HighSentinels++
		}
		if r.Local.IsZero() {
			continue
		}
		if s.FirstLocal.IsZero() {
			s.FirstLocal = r.Local
		}
		s.LastLocal = r.Local
		days[Day(r.Local)] = true
	}
	s.Days = len(days)
	s.CensoredPct = 100 * float64(s.LowSentinels+s.HighSentinels) / float64(len(sorted))
}

// Sufficient tells whether slots with a value cover at least 70 percent of the
// interval (Battelino 2019, doi 10.2337/dci19-0028).
func (s Summary) Sufficient() bool { return s.ActiveWindowPct >= 70 }

// Time is a number of minutes of RangeMin; NaN without values.
func (s Summary) Time(minutes int) float64 {
	if s.Values == 0 {
		return math.NaN()
	}
	return float64(minutes)
}

// Day is midnight of the wall clock's date.
func Day(local time.Time) time.Time {
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
}
