package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/raw"
)

// checkQuestions compares the answers of the page with what the simulator knows.
func (w *witnessed) checkQuestions(page string) {
	w.t.Helper()
	readings := w.readings()
	want := map[string][]string{
		"What is the mean glucose by arm and week?":                w.byArmAndWeek(readings),
		"How does follow-up differ from baseline?":                 baselineAndFollowUp(readings),
		"How are the nights?":                                      nights(readings),
		"Which days have less than 70 % of the data?":              w.thinDays(readings),
		"What is the longest gap of each person?":                  w.longestGaps(readings),
		"How long is nobody wearing a sensor between two of them?": w.betweenSensors(),
		"What happens around meals?":                               w.aroundMeals(readings),
		"What did Dexcom send for this row?":                       w.highestOf("P001"),
		"What changed between two snapshots?":                      w.changedReadings(),
		"Who was late?":                                            w.late(readings),
	}
	_, questions, _ := strings.Cut(page, "\n## Ten questions\n")
	questions, _, _ = strings.Cut(questions, "\n## ")
	headings := regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(questions, -1)
	if len(headings) != len(want) {
		w.t.Errorf("%s has %d questions, want %d", viewsPage, len(headings), len(want))
	}
	for _, h := range headings {
		block := sqlBlock.FindStringSubmatch(sectionOf(page, h[0]))
		if block == nil {
			w.t.Errorf("%s: no statement and answer", h[1])
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(w.must("query", block[1], "--csv"))).ReadAll()
		check(w.t, err)
		var got []string
		for _, row := range rows[1:] {
			if rows[0][len(row)-1] == "seen_at" { // which is when the sync came by
				row = row[:len(row)-1]
			}
			got = append(got, strings.Join(row, " "))
		}
		if diff := gocmp.Diff(want[h[1]], got); diff != "" || len(got) == 0 {
			w.t.Errorf("%s (-simulator +answer):\n%s", h[1], diff)
		}
	}
}

const clock = "2006-01-02 15:04:05.999999"

func (w *witnessed) byArmAndWeek(readings map[string][]moment) (rows []string) {
	people := map[string]map[string]*mean{} // by arm and week
	for _, p := range w.table("from participants") {
		for _, r := range readings[p["participant_id"]] {
			key := fmt.Sprint(p["arm"], " ", (day(r.local)-1)/7+1)
			if r.excluded {
				continue
			}
			if people[key] == nil {
				people[key] = map[string]*mean{}
			}
			if people[key][p["participant_id"]] == nil {
				people[key][p["participant_id"]] = &mean{}
			}
			people[key][p["participant_id"]].add(r.mgdl)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(people)) {
		var of mean
		for _, m := range people[key] {
			of.add(m.of())
		}
		rows = append(rows, fmt.Sprint(key, " ", len(people[key]), " ", rounded(of.of(), 1)))
	}
	return rows
}

func baselineAndFollowUp(readings map[string][]moment) (rows []string) {
	share := func(of []moment, first, last int) float64 {
		var m mean
		for _, r := range of {
			if d := day(r.local); d >= first && d <= last && !r.excluded {
				m.add(percentIf(r.mgdl >= 70 && r.mgdl <= 180))
			}
		}
		return m.of()
	}
	for _, who := range slices.Sorted(maps.Keys(readings)) {
		if of := readings[who]; len(of) > 0 {
			before, after := share(of, 1, 14), share(of, 22, 35)
			rows = append(rows, fmt.Sprint(who, " ", rounded(before, 1), " ", rounded(after, 1), " ", rounded(after-before, 1)))
		}
	}
	return rows
}

func percentIf(is bool) float64 {
	if is {
		return 100
	}
	return 0
}

func nights(readings map[string][]moment) (rows []string) {
	for _, who := range slices.Sorted(maps.Keys(readings)) {
		var mgdl, low mean
		dates := map[int]bool{}
		for _, r := range readings[who] {
			if r.local.Hour() < 6 && !r.excluded {
				mgdl.add(r.mgdl)
				low.add(percentIf(r.mgdl < 70))
				dates[day(r.local)] = true
			}
		}
		if len(dates) > 0 {
			rows = append(rows, fmt.Sprint(who, " ", len(dates), " ", rounded(mgdl.of(), 1), " ", rounded(low.of(), 2)))
		}
	}
	return rows
}

// thinDays counts by slots of 5 minutes, of which a day has 288, or 276 where clocks
// are put forward.
func (w *witnessed) thinDays(readings map[string][]moment) (rows []string) {
	for _, p := range w.table("from participants order by participant_id") {
		who := p["participant_id"]
		zone, err := time.LoadLocation(p["timezone"])
		check(w.t, err)
		slots := map[int]map[int64]bool{}
		for _, r := range readings[who] {
			if d := day(r.local); !r.excluded {
				if slots[d] == nil {
					slots[d] = map[int64]bool{}
				}
				slots[d][r.utc.Unix()/300] = true
			}
		}
		days, thin, empty := 0, 0, 0
		for midnight := time.Date(2026, 3, 4, 0, 0, 0, 0, zone); midnight.Before(w.expectedUntil(who)); midnight = midnight.AddDate(0, 0, 1) {
			days++
			n := len(slots[days])
			if float64(n) < 0.7*midnight.AddDate(0, 0, 1).Sub(midnight).Minutes()/5 {
				thin++
			}
			if n == 0 {
				empty++
			}
		}
		rows = append(rows, fmt.Sprint(who, " ", days, " ", thin, " ", empty))
	}
	return rows
}

func (w *witnessed) longestGaps(readings map[string][]moment) (rows []string) {
	type gap struct {
		who      string
		from, to *moment
		min      float64
		kind     string
	}
	var longest []gap
	for who, of := range readings {
		end := w.expectedUntil(who)
		if len(of) == 0 { // P006, of Asia/Kolkata, 5.5 h ahead
			began := time.Date(2026, 3, 3, 18, 30, 0, 0, time.UTC)
			longest = append(longest, gap{who: who, min: end.Sub(began).Minutes(), kind: "never"})
			continue
		}
		last := &of[len(of)-1]
		g := gap{who: who, from: last, min: end.Sub(last.utc).Minutes(), kind: "open"}
		for i := range of[1:] {
			before, after := &of[i], &of[i+1]
			if min := after.utc.Sub(before.utc).Minutes(); min > g.min {
				g = gap{who, before, after, min, "loss"}
				if before.transmitter != after.transmitter {
					g.kind = "sensor_change"
				}
			}
		}
		longest = append(longest, g)
	}
	slices.SortFunc(longest, func(a, b gap) int { return cmp.Compare(b.min, a.min) })
	wall := func(m *moment) string {
		if m == nil {
			return ""
		}
		return m.local.Format(clock)
	}
	for _, g := range longest {
		rows = append(rows, fmt.Sprint(g.who, " ", wall(g.from), " ", wall(g.to), " ", rounded(g.min/60, 1), " ", g.kind))
	}
	return rows
}

// records are the EGVs of each participant that the study may have, with a value or not.
func (w *witnessed) records() map[string][]dexsim.EGV {
	all := map[string][]dexsim.EGV{}
	for truth := range w.api.Truth() {
		for _, e := range truth.EGVs {
			if w.has(truth.ParticipantID, e) {
				all[truth.ParticipantID] = append(all[truth.ParticipantID], e)
			}
		}
	}
	return all
}

func (w *witnessed) betweenSensors() (rows []string) {
	records := w.records()
	for _, who := range slices.Sorted(maps.Keys(records)) {
		sensors := 1
		var hours []float64
		of := records[who]
		for i, e := range of[1:] {
			before := of[i]
			silence := e.SystemTime.Sub(before.SystemTime)
			if e.TransmitterID != before.TransmitterID || silence >= 110*time.Minute && !strings.HasPrefix(e.Generation, "g7") {
				sensors, hours = sensors+1, append(hours, silence.Hours())
			}
		}
		rows = append(rows, fmt.Sprint(who, " ", sensors, " ", rounded(middle(hours), 1), " ", rounded(slices.Max(hours), 1)))
	}
	return rows
}

func (w *witnessed) aroundMeals(readings map[string][]moment) (rows []string) {
	for truth := range w.api.Truth() {
		var grams, units, rise mean
		for _, meal := range w.entered(truth, "carbs", "") {
			grams.add(meal.value)
			var before, dose mean
			peak := math.Inf(-1)
			for _, r := range readings[truth.ParticipantID] {
				switch since := r.utc.Sub(meal.at); {
				case r.excluded || since <= -15*time.Minute || since > 2*time.Hour:
				case since <= 0:
					before.add(r.mgdl)
				default:
					peak = max(peak, r.mgdl)
				}
			}
			for _, i := range w.entered(truth, "insulin", "fastActing") {
				if i.at.Sub(meal.at).Abs() <= 30*time.Minute {
					dose.add(i.value)
				}
			}
			if before.n > 0 && !math.IsInf(peak, 0) {
				rise.add(peak - before.of())
			}
			if dose.n > 0 {
				units.add(dose.sum)
			}
		}
		if grams.n > 0 {
			rows = append(rows, fmt.Sprint(truth.ParticipantID, " ", grams.n, " ", rounded(grams.of(), 0), " ",
				units.n, " ", rounded(units.of(), 1), " ", rounded(rise.of(), 0)))
		}
	}
	slices.Sort(rows)
	return rows
}

// An entry is an event with a number.
type entry struct {
	at    time.Time
	value float64
}

// entered are the events of a kind that stand.
func (w *witnessed) entered(truth dexsim.Truth, kind, subtype string) (all []entry) {
	left, gone := w.left[truth.ParticipantID]
	for _, e := range truth.Events {
		if e.Type != kind || subtype != "" && e.SubType != subtype || e.Status == "deleted" || gone && !e.SystemTime.Before(left) {
			continue
		}
		value, err := strconv.ParseFloat(*e.Value, 64)
		check(w.t, err)
		all = append(all, entry{e.SystemTime, value})
	}
	return all
}

// highestOf is the highest value of a participant, with the place in the raw log where
// the answer that brought it is.
func (w *witnessed) highestOf(who string) []string {
	var highest dexsim.EGV
	for _, e := range w.records()[who] {
		if highest.Value == nil || *e.Value > *highest.Value {
			highest = e
		}
	}
	log, err := raw.Open(filepath.Join(w.dir, "lake/raw"))
	check(w.t, err)
	defer log.Close()
	for answer, err := range log.Entries(raw.Position{}) {
		check(w.t, err)
		body, err := answer.Plain()
		check(w.t, err)
		if strings.Contains(string(body), highest.RecordID) {
			return []string{fmt.Sprint(highest.RecordID, " ", highest.SystemTime.Format(clock), " ", *highest.Value, " ", answer.AskedAt.Format(clock), " ", answer.Position)}
		}
	}
	return []string{"no answer has " + highest.RecordID}
}

// changedReadings are the EGVs that were served once and are not now, or otherwise.
func (w *witnessed) changedReadings() (rows []string) {
	now := w.served[len(w.served)-1]
	first := map[[2]string]dexsim.EGV{}
	for _, s := range w.served {
		for id, e := range s.egvs {
			if _, seen := first[id]; !seen {
				first[id] = e
			}
		}
	}
	for id, was := range first {
		is, present := now.egvs[id]
		switch {
		case !w.has(id[0], was):
		case !present:
			rows = append(rows, fmt.Sprint(id[0], " ", was.SystemTime.Format(clock), " vanished ", *was.Value, " ", *was.Value))
		case *is.Value != *was.Value:
			rows = append(rows, fmt.Sprint(id[0], " ", was.SystemTime.Format(clock), " edited ", *was.Value, " ", *is.Value))
		}
	}
	slices.Sort(rows)
	return rows
}

func (w *witnessed) late(readings map[string][]moment) (rows []string) {
	hours := map[string][]float64{}
	for id, e := range w.served[len(w.served)-1].egvs {
		came := w.served[0].at
		for i, s := range w.served[1:] {
			before, known := w.served[i].egvs[id]
			if here, is := s.egvs[id]; is && (!known || *before.Value != *here.Value) {
				came = s.at
			}
		}
		if came != w.served[0].at && w.has(id[0], e) {
			hours[id[0]] = append(hours[id[0]], came.Sub(e.SystemTime).Hours())
		}
	}
	records := w.records()
	for _, who := range slices.Sorted(maps.Keys(readings)) {
		of := records[who]
		if len(of) == 0 {
			rows = append(rows, who+" no_data    ")
			continue
		}
		state := "current"
		if _, gone := w.left[who]; gone {
			state = "ended"
		}
		last := of[len(of)-1].SystemTime
		behind := w.expectedUntil(who).Sub(last).Hours()
		rows = append(rows, fmt.Sprint(who, " ", state, " ", last.Format(clock), " ", rounded(behind, 1), " ",
			rounded(middle(hours[who]), 1), " ", rounded(slices.Max(hours[who]), 1)))
	}
	return rows
}
