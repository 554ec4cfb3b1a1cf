package study

import (
	"cmp"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/study/config"
)

// Gaps are what nobody has filled in yet, and participants or the analysis will miss.
// Nothing fails for want of it, so it is told.
type Gaps struct {
	Name    bool     // study.name, which stands on the consent pages
	Contact bool     // study.contact, who can be asked there
	Start   []string // who has no study_start, where nothing is fetched without
	Zone    []string // whose time zone is an offset, where clocks change
}

// PageGaps are those of a configuration.
func PageGaps(c config.Config) Gaps {
	return Gaps{Name: c.Study.Name == "", Contact: c.Study.Contact == ""}
}

// Gaps are those of the study, and of people who are to be connected.
func (s *Study) Gaps(people []cohort.Participant) Gaps {
	g := PageGaps(s.Config)
	for _, who := range people {
		if !Wanted(who) {
			continue
		}
		if who.StudyStart.IsZero() && s.Config.Study.History != cohort.HistoryAll {
			g.Start = append(g.Start, who.ID)
		}
		region := cmp.Or(who.Region, s.DefaultRegion())
		if (region == "us" || region == "eu") && cohort.IsOffset(who.Timezone) {
			g.Zone = append(g.Zone, who.ID)
		}
	}
	return g
}
