package reading

import "slices"

const (
	second       = int64(1_000_000) // in microseconds
	sameReading  = 150 * second     // how far apart two devices may stamp one reading
	microsPerDay = 86_400 * second
)

// A group is the records of one reading.
type group struct {
	first        int64   // time of its first record
	chosen       *Record // the record that stands for it
	transmitters []string
	devices      []string
	size         int16
	conflicts    int16
	overlap      bool
}

func (g *group) add(r *Record) {
	if g.chosen == nil || prefer(r, g.chosen) < 0 {
		g.chosen = r
	}
	if r.Transmitter != "" && !slices.Contains(g.transmitters, r.Transmitter) {
		g.transmitters = append(g.transmitters, r.Transmitter)
	}
	if !slices.Contains(g.devices, r.Device) {
		g.devices = append(g.devices, r.Device)
	}
	g.size++
}

// exact is what two records of one reading share whatever their devices say.
type exact struct {
	transmitter string
	ticks       int64
}

// merge groups records, which are in order of time.
func merge(records []Record) []*group {
	groups := make([]*group, 0, len(records))
	store := make([]group, 0, len(records)) // never grows, so pointers into it hold
	byTicks := make(map[exact]*group, len(records))
	recent := 0 // groups[recent:] may be near enough
	for i := range records {
		r := &records[i]
		for recent < len(groups) && r.Time-groups[recent].first > sameReading {
			recent++
		}
		key := exact{r.Transmitter, r.Ticks}
		hasKey := r.Transmitter != "" && r.Ticks > 0
		var g *group
		if hasKey {
			g = byTicks[key]
		}
		if g == nil {
			g = near(groups[recent:], r, hasKey)
		}
		if g == nil {
			store = append(store, group{first: r.Time})
			g = &store[len(store)-1]
			groups = append(groups, g)
		}
		g.add(r)
		if hasKey {
			byTicks[key] = g
		}
	}
	return groups
}

// near finds the group that r belongs to by time and value alone, the nearest
// one first. Records that say which reading they are (exactly) do not match
// others that say so too.
func near(groups []*group, r *Record, hasKey bool) *group {
	v, _ := value(r)
	for _, g := range slices.Backward(groups) {
		gv, _ := value(g.chosen)
		reconnect := g.chosen.Time == r.Time && gv == v && g.chosen.Status == r.Status
		if reconnect && !contradicts(g, r, hasKey, false) {
			return g
		}
		if v.OK && gv == v && !slices.Contains(g.devices, r.Device) && !contradicts(g, r, hasKey, true) {
			return g
		}
	}
	return nil
}

// contradicts reports whether r cannot be the reading of g: both know their
// ticks, which differ (else they had met before), or their transmitters differ
// although two devices report them. A transmitter's hash may change when an
// account is connected again, so at equal times other ticks decide alone.
func contradicts(g *group, r *Record, hasKey, devices bool) bool {
	if devices && r.Transmitter != "" && len(g.transmitters) > 0 && !slices.Contains(g.transmitters, r.Transmitter) {
		return true
	}
	return hasKey && g.chosen.Transmitter == r.Transmitter && g.chosen.Ticks > 0
}
