package main

import (
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// unsetOnPages says what participants will miss on the consent pages, "" for nothing.
func unsetOnPages(u study.Unset) string {
	const where = " in " + config.File + ": "
	switch {
	case u.Name && u.Contact:
		return "no study.name and no study.contact" + where + "the consent pages give the study's id for a name, and nobody to ask"
	case u.Name:
		return "no study.name" + where + "the consent pages give the study's id for a name"
	case u.Contact:
		return "no study.contact" + where + "the consent pages name nobody to ask"
	}
	return ""
}

// unsetStart says for whom nothing is fetched, "" for nobody.
func unsetStart(u study.Unset) string {
	if len(u.Start) == 0 {
		return ""
	}
	return "no study_start in the roster, without which nothing is fetched: " + study.ShortList(u.Start)
}

// unsetZone says whose local times will be wrong for half of the year, "" for nobody's.
func unsetZone(u study.Unset) string {
	if len(u.Zone) == 0 {
		return ""
	}
	return "a time zone that knows no summer time, where clocks change (right: a place, such as America/New_York): " + study.ShortList(u.Zone)
}

// sayUnset tells what to fill in before people connect.
func (p *program) sayUnset(s *study.Study, people []cohort.Participant) {
	u := s.Unset(people)
	for _, words := range []string{unsetOnPages(u), unsetStart(u), unsetZone(u)} {
		if words != "" {
			p.say("%s", words)
		}
	}
}

// checkUnset looks for what nobody has filled in.
func (d *doctor) checkUnset(people []cohort.Participant) {
	u := d.study.Unset(people)
	for _, one := range []struct{ check, words, advice, fine string }{
		{"consent pages", unsetOnPages(u), "set them in " + config.File, "they have the study's name, and whom to ask"},
		{"study dates", unsetStart(u), "give study_start in the roster, or set study.history to all", "what is fetched has a beginning for everybody"},
		{"time zones", unsetZone(u), "give the participant's place in the roster", "clocks change as people's do"},
	} {
		if one.words != "" {
			d.warn(one.check, one.advice, "%s", one.words)
		} else {
			d.ok(one.check, "%s", one.fine)
		}
	}
}
