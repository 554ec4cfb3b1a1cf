package study

import (
	"cmp"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study/config"
)

// Unset are what nobody has filled in yet, and participants or the analysis will miss.
// Nothing fails for want of it, so it is told.
type Unset struct {
	Name    bool     // study.name, which stands on the consent pages
	Contact bool     // study.contact, who can be asked there
	Start   []string // who has no study_start, where nothing is fetched without
	Zone    []string // whose time zone is an offset, where clocks change
}

// UnsetOnPages are those of a configuration.
func UnsetOnPages(c config.Config) Unset {
	return Unset{Name: c.Study.Name == "", Contact: c.Study.Contact == ""}
}

// Unset are those of the study, and of people who are to be connected.
func (s *Study) Unset(people []cohort.Participant) Unset {
	u := UnsetOnPages(s.Config)
	for _, who := range people {
		if !Wanted(who) {
			continue
		}
		if who.StudyStart.IsZero() && s.Config.Study.History != cohort.HistoryAll {
			u.Start = append(u.Start, who.ID)
		}
		region := cmp.Or(who.Region, s.DefaultRegion())
		if (region == "us" || region == "eu") && cohort.IsOffset(who.Timezone) {
			u.Zone = append(u.Zone, who.ID)
		}
	}
	return u
}
