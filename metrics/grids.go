package metrics

// Grids are the grids of one span, and the memory for the next one: lay them
// once, ask them for everything. The zero value is ready to be laid. One
// goroutine at a time uses it.
type Grids struct {
	Elapsed *Grid // of elapsed time: UTC, or the grid of iglu
	Daily   *Grid // of days and times of day: the wall clock

	rules            GridRules
	readings, placed []point
	glucose          []float64
	utc, wall, five  Grid
}

// Lay lays the grids through the readings of a span, in any order. Readings
// without a value and excluded ones do not count, those without local time only
// in elapsed time; of equal times the last one counts.
func (g *Grids) Lay(readings []Reading, rules GridRules) {
	g.rules = rules
	if rules.IGLU {
		g.layIGLU(readings)
	} else {
		g.readings = pointsOf(readings, elapsedClock, g.readings)
		g.utc.lay(g.readings, rules.StepMin, rules)
		g.placed = pointsOf(readings, dailyClock, g.placed)
		g.wall.lay(g.placed, rules.StepMin, rules)
		g.Elapsed, g.Daily = &g.utc, &g.wall
	}
	g.glucose = g.glucose[:0]
	for _, p := range g.readings {
		g.glucose = append(g.glucose, p.mgdl)
	}
}

// layIGLU lays the one grid of iglu.
func (g *Grids) layIGLU(readings []Reading) {
	g.readings = pointsOf(readings, wallClock, g.readings)
	step := g.rules.StepMin
	if step == 0 {
		step = ownStep(g.readings)
	}
	g.wall.lay(g.readings, step, g.rules)
	g.Elapsed, g.Daily = &g.wall, &g.wall
}

// fiveMinutes is the grid that MAGE goes by.
func (g *Grids) fiveMinutes() *Grid {
	if g.Elapsed.StepMin == mageStepMin {
		return g.Elapsed
	}
	g.five.lay(g.readings, mageStepMin, g.rules)
	return &g.five
}
