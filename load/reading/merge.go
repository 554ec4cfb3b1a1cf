package reading

import (
	"cmp"
	"slices"
	"strings"
)

const (
	second       = int64(1_000_000) // in microseconds
	sameReading  = 150 * second     // half of the time between two measurements
	microsPerDay = 86_400 * second
)

// A measurement is what one transmitter measured at one moment, as the records
// of one or several devices tell it.
type measurement struct {
	first       int64 // time of the first record that tells its moment
	time        int64 // of the record that stands for it
	chosen      int32 // place of that record
	transmitter int32 // place of its name
	wear        int32 // place of the wear it is part of
	size        int32 // records
	oldest      int32 // place of the first one of them
	newest      int32 // and of the last one
	conflicts   int32 // of them, with the time of the chosen one and another value
	near        bool  // another transmitter measured at most 150 s away
	out         bool  // it does not count, for one of these goes before
}

// unnamed is the place of the name of all records that name no transmitter.
const unnamed = 0

// transmitterNames lists the names in records and says which one each record has.
func transmitterNames(records []Record) (names []string, of []int32) {
	names, of = []string{""}, make([]int32, len(records))
	places, last := map[string]int32{"": unnamed}, int32(unnamed)
	for i := range records {
		name := records[i].Transmitter
		if name != names[last] {
			place, known := places[name]
			if !known {
				place = int32(len(names))
				places[name] = place
				names = append(names, name)
			}
			last = place
		}
		of[i] = last
	}
	return names, of
}

// measurements groups records, which are in order of time and id, by what they
// measure: those of a named transmitter with the same ticks, whatever their
// times, for a device's clock may be hours off; and of what that leaves, of one
// transmitter, those less than 150 s after the first one. They come in order of
// transmitter, then time.
func measurements(records []Record, transmitter []int32) []measurement {
	of, leaders := leadersByTicks(records, transmitter)
	all := make([]measurement, 0, len(leaders))
	led := make([]int32, len(records)) // of a leader: its measurement
	for _, l := range leaders {
		r, n := &records[l.place], len(all)-1
		if n < 0 || all[n].transmitter != l.transmitter || r.Time-all[n].first >= sameReading {
			all = append(all, measurement{first: r.Time, chosen: l.place, transmitter: l.transmitter})
			n++
		} else if prefer(r, &records[all[n].chosen]) < 0 {
			all[n].chosen = l.place
		}
		led[l.place] = int32(n)
	}
	for i := range records {
		of[i] = led[of[i]]
		m := &all[of[i]]
		if m.size == 0 {
			m.oldest = int32(i)
		}
		m.newest = int32(i)
		m.size++
		m.offer(records, int32(i))
	}
	for i := range all {
		all[i].time = records[all[i].chosen].Time
	}
	if len(all) < len(records) {
		for i := range records {
			m := &all[of[i]]
			m.conflicts += conflict(&records[i], &records[m.chosen])
		}
	}
	return all
}

// A leader is the record that stands for those with its ticks.
type leader struct{ transmitter, place int32 }

func (l leader) compare(m leader) int {
	if l.transmitter != m.transmitter {
		return cmp.Compare(l.transmitter, m.transmitter)
	}
	return cmp.Compare(l.place, m.place)
}

// leadersByTicks returns the leader of every record, and the leaders in order of
// transmitter, then time. A record whose ticks nobody shares leads itself.
func leadersByTicks(records []Record, transmitter []int32) (leads []int32, leaders []leader) {
	type key struct {
		leader
		ticks int64
	}
	keys := make([]key, len(records))
	for i := range records {
		keys[i] = key{leader: leader{transmitter[i], int32(i)}}
		if transmitter[i] != unnamed {
			keys[i].ticks = max(0, records[i].Ticks)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.transmitter == b.transmitter && a.ticks != b.ticks {
			return cmp.Compare(a.ticks, b.ticks)
		}
		return a.leader.compare(b.leader)
	})
	leads, leaders = make([]int32, len(records)), make([]leader, 0, len(records))
	for start := 0; start < len(keys); {
		best, end := keys[start].leader, start+1
		for ; end < len(keys) && keys[start].ticks > 0 && keys[end].ticks == keys[start].ticks && keys[end].transmitter == best.transmitter; end++ {
			if prefer(&records[keys[end].place], &records[best.place]) < 0 {
				best = keys[end].leader
			}
		}
		for _, k := range keys[start:end] {
			leads[k.place] = best.place
		}
		leaders = append(leaders, best)
		start = end
	}
	slices.SortFunc(leaders, leader.compare)
	return leads, leaders
}

// offer lets the record at place stand for m if it tells the moment, has a value,
// and the chosen one has none or is a worse one.
func (m *measurement) offer(records []Record, place int32) {
	r, chosen := &records[place], &records[m.chosen]
	if place == m.chosen || r.Time < m.first || r.Time-m.first >= sameReading || !hasValue(r) {
		return
	}
	if !hasValue(chosen) || prefer(r, chosen) < 0 {
		m.chosen = place
	}
}

// conflict is 1 for a record with the time of the chosen one and another value.
func conflict(r, chosen *Record) int32 {
	v, _ := value(r)
	c, _ := value(chosen)
	if r.Time == chosen.Time && v.OK && c.OK && v != c {
		return 1
	}
	return 0
}

// prefer orders records by which one stands for a measurement, best first.
func prefer(a, b *Record) int {
	if a.Device != b.Device {
		return cmp.Compare(a.Device, b.Device)
	}
	return strings.Compare(a.ID, b.ID)
}
