package reading

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A stretch is values at one cadence, or a pause.
type stretch struct {
	cadence int16 // minutes; 0: a pause
	minutes int64
}

// series makes the times of stretches, one after the other, and the cadence of
// each. jitter and keep are asked for every value.
func series(stretches []stretch, jitter func() int64, keep func() bool) (times []int64, cadences []int16) {
	at := base.UnixMicro()
	for _, s := range stretches {
		end := at + s.minutes*60*second
		for ; s.cadence > 0 && at < end; at += int64(s.cadence) * 60 * second {
			if keep() {
				times, cadences = append(times, at+jitter()), append(cadences, s.cadence)
			}
		}
		at = end
	}
	return times, cadences
}

// exactly makes series without jitter and losses.
func exactly(stretches ...stretch) ([]int64, []int16) {
	return series(stretches, func() int64 { return 0 }, func() bool { return true })
}

// lengths writes cadences as "15x288 5x12".
func lengths(cadences []int16) string {
	var out []string
	for i := 0; i < len(cadences); {
		n := 1
		for i+n < len(cadences) && cadences[i+n] == cadences[i] {
			n++
		}
		out = append(out, fmt.Sprintf("%dx%d", cadences[i], n))
		i += n
	}
	return strings.Join(out, " ")
}

func TestCadences(t *testing.T) {
	tests := []struct {
		name string
		of   []stretch
		want string
	}{
		{"none", nil, ""},
		{"one value", []stretch{{5, 5}}, "5x1"},
		{"eleven values do not say", []stretch{{15, 11 * 15}}, "5x11"},
		{"twelve do", []stretch{{15, 12 * 15}}, "15x12"},
		{"eleven of a minute", []stretch{{1, 11}}, "5x11"},
		{"twelve of a minute", []stretch{{1, 12}}, "1x12"},
		{"a day of each", []stretch{{15, 1440}, {5, 1440}, {1, 1440}, {5, 1440}, {15, 1440}, {1, 1440}}, "15x96 5x289 1x1439 5x289 15x95 1x1440"},
		{"11 values at the end are no change", []stretch{{15, 1440}, {5, 11 * 5}}, "15x107"},
		{"12 are one", []stretch{{15, 1440}, {5, 12 * 5}}, "15x96 5x12"},
		{"the first of 12 is near the one before", []stretch{{5, 1440}, {15, 12 * 15}}, "5x300"},
		{"of 13 too", []stretch{{5, 1440}, {15, 13 * 15}}, "5x289 15x12"},
		{"at the start", []stretch{{1, 14}, {5, 1440}}, "1x14 5x288"},
		{"22 values between", []stretch{{5, 1440}, {15, 22 * 15}, {5, 1440}}, "5x598"},
		{"23 values between, beside one that is near", []stretch{{5, 1440}, {15, 24 * 15}, {5, 1440}}, "5x289 15x23 5x288"},
		{"a pause of 3 h is none", []stretch{{15, 1440}, {0, 180 - 15}, {15, 10 * 15}}, "15x106"},
		{"after a longer one a run speaks for itself", []stretch{{15, 1440}, {0, 180}, {15, 10 * 15}}, "15x96 5x10"},
		{"steps of 10 minutes are lost readings", []stretch{{10, 1440}}, "5x144"},
	}
	for _, tt := range tests {
		times, _ := exactly(tt.of...)
		if got := lengths(Cadences(times)); got != tt.want {
			t.Errorf("%s: Cadences = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// With some seconds of jitter and up to 30 % of the readings lost, a cadence
// that lasts a day is found wherever it changes, to within some values.
func TestCadencesOfLossySeries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var of []stretch
		for range rapid.IntRange(1, 4).Draw(t, "stretches") {
			cadence := rapid.SampledFrom(grids[:]).Draw(t, "cadence")
			if len(of) > 0 && of[len(of)-1].cadence == cadence {
				continue
			}
			of = append(of, stretch{cadence, 60 * int64(rapid.IntRange(24, 96).Draw(t, "hours"))})
		}
		loss := rapid.IntRange(0, 30).Draw(t, "loss")
		seed := rapid.Uint64().Draw(t, "seed")
		rng := pcg(seed)
		times, want := series(of, func() int64 { return int64(rng.IntN(19)-9) * second }, func() bool { return rng.IntN(100) >= loss })
		got := Cadences(times)
		wrong, pieces := 0, 0
		for i := range got {
			wrong += bitOf(got[i] != want[i])
			pieces += bitOf(i == 0 || got[i] != got[i-1])
		}
		if pieces != len(of) || wrong > 24*(len(of)-1) {
			t.Fatalf("Cadences(%v, %d %% lost) = %s, want %s", of, loss, lengths(got), lengths(want))
		}
	})
}

// Readings that come twice change nothing, however far apart the two are, and
// whether some do or all.
func TestCadencesOfDoubledReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cadence := rapid.SampledFrom([]int16{5, 15}).Draw(t, "cadence")
		share := rapid.IntRange(1, 100).Draw(t, "share")
		apart := int64(rapid.IntRange(1, 149).Draw(t, "apart")) * second
		rng := pcg(rapid.Uint64().Draw(t, "seed"))
		single, _ := exactly(stretch{cadence, 2880})
		var times []int64
		for _, at := range single {
			times = append(times, at)
			if rng.IntN(100) < share {
				times = append(times, at+apart)
			}
		}
		got := Cadences(times)
		if slices.ContainsFunc(got, func(c int16) bool { return c != cadence }) {
			t.Fatalf("Cadences(%d %% doubled %d s apart) = %s, want %d", share, apart/second, lengths(got), cadence)
		}
	})
}

// A series and what lies more than 3 h before or after it have nothing to say
// to each other.
func TestCadencesOfRunsAreTheirOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := func(name string, from int64) []int64 {
			times := []int64{from}
			for range rapid.IntRange(0, 60).Draw(t, name) {
				times = append(times, times[len(times)-1]+rapid.Int64Range(1, pause).Draw(t, "step"))
			}
			return times
		}
		a := run("a", base.UnixMicro())
		b := run("b", a[len(a)-1]+pause+1)
		if got, want := Cadences(slices.Concat(a, b)), slices.Concat(Cadences(a), Cadences(b)); !slices.Equal(got, want) {
			t.Fatalf("Cadences of both = %v, of each %v", got, want)
		}
	})
}

func BenchmarkCadences(b *testing.B) {
	for _, of := range [][]stretch{{{5, 90 * 1440}}, {{15, 45 * 1440}, {5, 45 * 1440}}} {
		times, _ := exactly(of...)
		b.Run(fmt.Sprint(len(of)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Cadences(times)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(times)), "ns/value")
		})
	}
}

func pcg(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func bitOf(b bool) int {
	if b {
		return 1
	}
	return 0
}
