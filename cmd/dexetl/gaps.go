package main

import (
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// pageGap says what participants will miss on the consent pages, "" for nothing.
func pageGap(g study.Gaps) string {
	const where = " in " + config.File + ": "
	switch {
	case g.Name && g.Contact:
		return "no study.name and no study.contact" + where + "the consent pages give the study's id for a name, and nobody to ask"
	case g.Name:
		return "no study.name" + where + "the consent pages give the study's id for a name"
	case g.Contact:
		return "no study.contact" + where + "the consent pages name nobody to ask"
	}
	return ""
}

// startGap says for whom nothing is fetched, "" for nobody.
func startGap(g study.Gaps) string {
	if len(g.Start) == 0 {
		return ""
	}
	return "no study_start in the roster, without which nothing is fetched: " + study.ShortList(g.Start)
}

// zoneGap says whose local times will be wrong for half of the year, "" for nobody's.
func zoneGap(g study.Gaps) string {
	if len(g.Zone) == 0 {
		return ""
	}
	return "a time zone that knows no summer time, where clocks change (right: a place, such as America/New_York): " + study.ShortList(g.Zone)
}

// sayGaps tells what to fill in before people connect.
func (p *program) sayGaps(s *study.Study, people []cohort.Participant) {
	g := s.Gaps(people)
	for _, gap := range []string{pageGap(g), startGap(g), zoneGap(g)} {
		if gap != "" {
			p.say("%s", gap)
		}
	}
}

// checkGaps looks for what nobody has filled in.
func (d *doctor) checkGaps(people []cohort.Participant) {
	g := d.study.Gaps(people)
	for _, one := range []struct{ check, gap, advice, fine string }{
		{"consent pages", pageGap(g), "set them in " + config.File, "they have the study's name, and whom to ask"},
		{"study dates", startGap(g), "give study_start in the roster, or set study.history to all", "what is fetched has a beginning for everybody"},
		{"time zones", zoneGap(g), "give the participant's place in the roster", "clocks change as people's do"},
	} {
		if one.gap != "" {
			d.warn(one.check, one.advice, "%s", one.gap)
		} else {
			d.ok(one.check, "%s", one.fine)
		}
	}
}
