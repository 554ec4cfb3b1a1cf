package metrics

import "time"

// An EpisodeKind is what an episode is of. What each means is in its
// [EpisodeRule].
type EpisodeKind string

// The kinds of episodes.
const (
	Hypo1            EpisodeKind = "hypo1"
	Hypo2            EpisodeKind = "hypo2"
	HypoExtended     EpisodeKind = "hypo_extended"
	Hyper1           EpisodeKind = "hyper1"
	Hyper2           EpisodeKind = "hyper2"
	HyperExtended    EpisodeKind = "hyper_extended"     // of minutes that add up in a window
	HyperExtended120 EpisodeKind = "hyper_extended_120" // of minutes in a row
)

// An EpisodeRule says what an episode is. It begins with the first reading of
// StartMin minutes in a row beyond the threshold, or, with a window, of so many
// minutes in sum within WindowMin. It ends with the last reading before EndMin
// minutes in a row on the safe side of EndMgdL: shorter returns are part of it.
// On the safe side is what is at EndMgdL, beyond is not what is at StartMgdL.
type EpisodeRule struct {
	Kind      EpisodeKind
	Hyper     bool    // beyond is above, else below
	StartMgdL float64 // threshold
	StartMin  float64
	MoreThan  bool    // than StartMin, else at least
	WindowMin float64 // 0: in a row
	EndMgdL   float64
	EndMin    float64
}

// sign makes high of low: what is beyond a threshold is above it, both times the
// sign.
func (r EpisodeRule) sign() float64 {
	if r.Hyper {
		return 1
	}
	return -1
}

// beyond tells whether a value is past the threshold.
func (r EpisodeRule) beyond(g float64) bool { return r.sign()*g > r.sign()*r.StartMgdL }

// EpisodeRules are those of one preset.
type EpisodeRules struct {
	Preset    string
	MaxGapMin int // readings further apart end an episode
	Rules     []EpisodeRule
}

// Consensus2023 are the rules of the consensus on endpoints of trials (Battelino
// 2023, doi 10.1016/S2213-8587(22)00319-9), to be checked against the paper: an
// episode of level 2 ends, like one of level 1, with 15 minutes at or above 70
// or at or below 180 mg/dL. Extended are more than 120 minutes in a row below 70
// mg/dL, and at least 90 minutes within 120 above 250 mg/dL.
func Consensus2023() EpisodeRules {
	return EpisodeRules{"consensus2023", maxGapMin, []EpisodeRule{
		{Kind: Hypo1, StartMgdL: 70, StartMin: 15, EndMgdL: 70, EndMin: 15},
		{Kind: Hypo2, StartMgdL: 54, StartMin: 15, EndMgdL: 70, EndMin: 15},
		{Kind: HypoExtended, StartMgdL: 70, StartMin: 120, MoreThan: true, EndMgdL: 70, EndMin: 15},
		{Kind: Hyper1, Hyper: true, StartMgdL: 180, StartMin: 15, EndMgdL: 180, EndMin: 15},
		{Kind: Hyper2, Hyper: true, StartMgdL: 250, StartMin: 15, EndMgdL: 180, EndMin: 15},
		{Kind: HyperExtended, Hyper: true, StartMgdL: 250, StartMin: 90, WindowMin: 120, EndMgdL: 180, EndMin: 15},
		{Kind: HyperExtended120, Hyper: true, StartMgdL: 250, StartMin: 120, EndMgdL: 180, EndMin: 15},
	}}
}

// Danne2017 are the rules of the consensus before (Danne 2017, doi
// 10.2337/dc17-1600). Prolonged are at least 120 minutes in a row below 54 or
// above 250 mg/dL.
func Danne2017() EpisodeRules {
	return EpisodeRules{"danne2017", maxGapMin, []EpisodeRule{
		{Kind: Hypo1, StartMgdL: 70, StartMin: 15, EndMgdL: 70, EndMin: 15},
		{Kind: Hypo2, StartMgdL: 54, StartMin: 15, EndMgdL: 70, EndMin: 15},
		{Kind: HypoExtended, StartMgdL: 54, StartMin: 120, EndMgdL: 70, EndMin: 15},
		{Kind: Hyper1, Hyper: true, StartMgdL: 180, StartMin: 15, EndMgdL: 180, EndMin: 15},
		{Kind: Hyper2, Hyper: true, StartMgdL: 250, StartMin: 15, EndMgdL: 180, EndMin: 15},
		{Kind: HyperExtended120, Hyper: true, StartMgdL: 250, StartMin: 120, EndMgdL: 180, EndMin: 15},
	}}
}

// EpisodesBy are the rules of a preset that a study may choose; false: there is none
// of that name.
func EpisodesBy(preset string) (EpisodeRules, bool) {
	for _, rules := range []EpisodeRules{Consensus2023(), Danne2017()} {
		if rules.Preset == preset {
			return rules, true
		}
	}
	return EpisodeRules{}, false
}

// IGLUEpisodes are the rules of the R package iglu 4.3 for its dur_length and
// end_length, which are 15 minutes each by default: every episode ends at its
// own threshold. They are for readings on a grid.
func IGLUEpisodes(startMin, endMin float64) EpisodeRules {
	return EpisodeRules{"iglu", maxGapMin, []EpisodeRule{
		{Kind: Hypo1, StartMgdL: 70, StartMin: startMin, EndMgdL: 70, EndMin: endMin},
		{Kind: Hypo2, StartMgdL: 54, StartMin: startMin, EndMgdL: 54, EndMin: endMin},
		{Kind: HypoExtended, StartMgdL: 70, StartMin: 120, MoreThan: true, EndMgdL: 70, EndMin: endMin},
		{Kind: Hyper1, Hyper: true, StartMgdL: 180, StartMin: startMin, EndMgdL: 180, EndMin: endMin},
		{Kind: Hyper2, Hyper: true, StartMgdL: 250, StartMin: startMin, EndMgdL: 250, EndMin: endMin},
		{Kind: HyperExtended120, Hyper: true, StartMgdL: 250, StartMin: 120, EndMgdL: 250, EndMin: endMin},
	}}
}

// PGSEpisodes are the rules by which the personal glycemic state counts hypos:
// 20 minutes, ended by 30 at the same threshold (Hirsch 2017).
func PGSEpisodes() EpisodeRules {
	rules := IGLUEpisodes(20, 30)
	return EpisodeRules{"pgs", rules.MaxGapMin, rules.Rules[:2]}
}

// An Episode is a time of low or high glucose.
type Episode struct {
	Kind                         EpisodeKind
	Start, End                   time.Time // UTC, half-open: the last reading counts for its cadence
	LocalStart, LocalEnd         time.Time // zero where the local time is unknown
	DurationMin                  float64   // from start to end
	Readings                     int
	ExtremeMgdL                  float64 // nadir or peak
	MeanMgdL                     float64 // of its readings
	TruncatedStart, TruncatedEnd bool    // it touches a gap or the first or last reading: it may be longer
	Night                        bool    // it starts in the night
	Level2                       bool    // an episode of level 2 is in it; said of Hypo1, HypoExtended and Hyper1
}
