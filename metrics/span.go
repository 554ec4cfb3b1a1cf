package metrics

import "iter"

// SpanRules say how what depends on the order of readings is computed.
type SpanRules struct {
	Grid     GridRules
	Episodes EpisodeRules
	OnGrid   bool // episodes are of the grid's cells, else of the readings
	Night    Night
}

// DexetlSpans are the rules of preset dexetl-1.
func DexetlSpans() SpanRules {
	return SpanRules{Grid: DexetlGrid(), Episodes: Consensus2023(), Night: DefaultNight()}
}

// IGLUSpans are the rules of the R package iglu 4.3.
func IGLUSpans() SpanRules {
	return SpanRules{Grid: IGLUGrid(), Episodes: IGLUEpisodes(15, 15), OnGrid: true, Night: DefaultNight()}
}

// A Span is what depends on the order of the readings of one interval.
type Span struct {
	Variability  Variability
	Episodes     []Episode // by kind and time
	ExposureDays float64   // in which an episode would have been seen
	PGS          float64   // see [PGS]; NaN where a part is

	rules EpisodeRules
}

// Spans computes one [Span] after the other in the same memory. One goroutine at a
// time uses it.
type Spans struct {
	Rules SpanRules

	grids Grids
	trace Trace
	cells []Reading
}

// Of computes the span of readings, in any order. It is of no use after the next
// one but for what it holds by value.
func (s *Spans) Of(readings []Reading) Span {
	s.grids.Lay(readings, s.Rules.Grid)
	trace := s.Trace(readings)
	span := Span{
		Variability: s.grids.Variability(), Episodes: trace.Episodes(s.Rules.Episodes),
		ExposureDays: trace.ExposureDays(), rules: s.Rules.Episodes,
	}
	span.PGS = pgsOf(readings, span.Variability.GVPPct, trace)
	return span
}

// Episodes are those of readings, in any order, by kind and time.
func (s *Spans) Episodes(readings []Reading) []Episode {
	if s.Rules.OnGrid {
		s.grids.Lay(readings, s.Rules.Grid)
	}
	return s.Trace(readings).Episodes(s.Rules.Episodes)
}

// Trace is what episodes are looked for in: the readings, or the cells of the grid
// that was laid through them. It is of no use after the next one.
func (s *Spans) Trace(readings []Reading) *Trace {
	if !s.Rules.OnGrid {
		s.trace.prepare(readings, s.Rules.Episodes.MaxGapMin, s.Rules.Night)
		return &s.trace
	}
	grid := s.grids.Elapsed
	s.cells = s.cells[:0]
	for at, g := range grid.Cells() {
		s.cells = append(s.cells, Reading{Time: at, Local: at, GlucoseMgdL: g, HasValue: true, CadenceMin: grid.StepMin})
	}
	s.trace.prepare(s.cells, grid.StepMin, s.Rules.Night)
	return &s.trace
}

// pgsOf is the personal glycemic state of readings.
func pgsOf(readings []Reading, gvpPct float64, trace *Trace) float64 {
	d := DistributionOf(readings)
	episodes, days := trace.Episodes(PGSEpisodes()), trace.ExposureDays()
	return PGS(PGSInput{
		GVPPct: gvpPct, TIRPct: d.Pct(d.Within(70, 180)), MeanMgdL: d.Mean(),
		Hypo1OnlyPerWeek: RateOf(episodes, days, OnlyLevel1(Hypo1)).PerWeek,
		Hypo2PerWeek:     RateOf(episodes, days, Of(Hypo2)).PerWeek,
	})
}

// A rated kind of episodes has a rate among the columns.
type rated struct {
	kind       EpisodeKind
	onlyLevel1 bool
}

func (r rated) column() string {
	if r.onlyLevel1 {
		return string(r.kind) + "_only_per_week"
	}
	return string(r.kind) + "_per_week"
}

func ratedKinds() []rated {
	return []rated{
		{Hypo1, false}, {Hypo1, true}, {Hypo2, false}, {HypoExtended, false},
		{Hyper1, false}, {Hyper1, true}, {Hyper2, false}, {HyperExtended, false}, {HyperExtended120, false},
	}
}

// Columns yields every metric under the name of its column, always in the same
// order: those of [Variability.Columns], and what episodes show. A rate of a kind
// that the rules do not have is NaN.
func (s *Span) Columns() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for name, value := range s.Variability.Columns() {
			if !yield(name, value) {
				return
			}
		}
		for _, r := range ratedKinds() {
			if !yield(r.column(), s.perWeek(r)) {
				return
			}
		}
		_ = yield("exposure_days", s.ExposureDays) && yield("pgs", s.PGS)
	}
}

// SpanColumns are the names that [Span.Columns] yields.
func SpanColumns() []string {
	var names []string
	for name := range new(Span).Columns() {
		names = append(names, name)
	}
	return names
}

// perWeek is the rate of a kind of episodes.
func (s *Span) perWeek(r rated) float64 {
	is := Of(r.kind)
	if r.onlyLevel1 {
		is = OnlyLevel1(r.kind)
	}
	days := s.ExposureDays
	if !s.rules.have(r.kind) {
		days = 0
	}
	return RateOf(s.Episodes, days, is).PerWeek
}

// have tells whether a kind of episodes has a rule.
func (r EpisodeRules) have(kind EpisodeKind) bool {
	for _, rule := range r.Rules {
		if rule.Kind == kind {
			return true
		}
	}
	return false
}
