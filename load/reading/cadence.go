package reading

const (
	pause    = 3 * 3600 * second // from here on a series of values ends
	notGrid1 = 150 * second      // half way between two steps of 5 minutes and none
	notGrid5 = 750 * second      // half way between two and three steps of 5 minutes
	fewest   = 12                // values that a run needs to say its cadence
	cutWorth = fewest - 1        // values; so that 12 at the end of a run are a change
)

// grids are the cadences known, in minutes. Votes and states are places in it.
var grids = [...]int16{5, 15, 1}

// Cadences returns for each of the times at which one series of readings has a
// value the minutes of the grid it keeps to there: 1, 5 or 15. Times are
// microseconds UTC, strictly ascending.
//
// A pause over 3 h ends a run. A value whose neighbours in its run are less
// than 150 s away keeps to the grid of 1 minute, another one to that of 15
// minutes if no value is 150 s to 12.5 minutes away from it, else to that of 5
// minutes. The cadence of a run is the grid that most of its values keep to,
// and 5 where it has fewer than 12. A run is cut where its cadence changes: such
// that the values that keep to another grid than their piece, plus 11 for each
// cut, are fewest.
func Cadences(times []int64) []int16 {
	cadences, _ := cadencesOf(times)
	return cadences
}

// cadencesOf returns the votes, too: those of runs long enough to vote.
func cadencesOf(times []int64) (cadences []int16, votes []uint8) {
	cadences = make([]int16, len(times))
	votes = make([]uint8, len(times))
	start := 0
	for i := range times {
		if i+1 < len(times) && times[i+1]-times[i] <= pause {
			continue
		}
		cadencesOfRun(cadences[start:i+1], times[start:i+1], votes[start:i+1])
		start = i + 1
	}
	return cadences, votes
}

// cadencesOfRun writes the cadences of one run.
func cadencesOfRun(cadences []int16, times []int64, votes []uint8) {
	if len(times) < fewest {
		for i := range cadences {
			cadences[i] = grids[0]
		}
		return
	}
	vote(times, votes)
	states := votes
	for _, v := range votes {
		if v != votes[0] {
			states = cheapest(votes)
			break
		}
	}
	for i, s := range states {
		cadences[i] = grids[s]
	}
}

// vote writes which grid each of the values of a run keeps to.
func vote(times []int64, votes []uint8) {
	before, after := 0, 0 // the first value less than 150 s before, at least 150 s after
	for i, t := range times {
		for t-times[before] >= notGrid1 {
			before++
		}
		for after < len(times) && times[after]-t < notGrid1 {
			after++
		}
		dense := (i == 0 || before < i) && (i == len(times)-1 || after > i+1)
		five := before > 0 && t-times[before-1] < notGrid5 || after < len(times) && times[after]-t < notGrid5
		switch {
		case dense:
			votes[i] = 2
		case five:
			votes[i] = 0
		default:
			votes[i] = 1
		}
	}
}

// cheapest returns the grid of the piece that each value belongs to, the pieces
// being cut such that the votes for another grid and the cuts cost least: of
// equals the fewest cuts, and the latest ones.
func cheapest(votes []uint8) []uint8 {
	value := len(votes) + 1 // costs more than any number of cuts of equal worth
	var cost [len(grids)]int
	from := make([][len(grids)]uint8, len(votes)) // the state of the value before
	for i, v := range votes {
		best := uint8(0)
		for s := range uint8(len(grids)) {
			if cost[s] < cost[best] {
				best = s
			}
		}
		cut := cost[best] + cutWorth*value + 1
		for s := range uint8(len(grids)) {
			from[i][s] = s
			if i > 0 && cut < cost[s] {
				cost[s], from[i][s] = cut, best
			}
			if s != v {
				cost[s] += value
			}
		}
	}
	state := uint8(0)
	for s := range uint8(len(grids)) {
		if cost[s] < cost[state] {
			state = s
		}
	}
	states := make([]uint8, len(votes))
	for i := len(votes) - 1; i >= 0; i-- {
		states[i] = state
		state = from[i][state]
	}
	return states
}
