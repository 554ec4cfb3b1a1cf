package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// hours lets the contenders sync every hour: some hours with news, and then, when
// nothing is to come any more, half as many without.
func (s *speed) hours() {
	before := make(map[*contender]landed)
	for _, c := range s.contenders {
		before[c] = landedIn(s.t, c.dir)
	}
	for hour := range *speedSyncs {
		s.hour(fmt.Sprintf("sync with news, day %d", 1+hour/24), time.Duration(hour+1)*time.Hour)
	}
	for _, c := range s.contenders {
		grown := landedIn(s.t, c.dir).since(before[c])
		s.note(measured{Program: c.name, What: "syncs with news", Landed: &grown})
	}
	settled := time.Duration(*speedSyncs+26) * time.Hour
	s.hour("", settled)
	for hour := range (*speedSyncs + 1) / 2 {
		s.hour("quiet sync", settled+time.Duration(hour+1)*time.Hour)
	}
}

// hour syncs at an instant after demoNow, and notes it as what.
func (s *speed) hour(what string, after time.Duration) {
	s.api.at(after)
	for _, c := range s.contenders {
		used, out := c.run("sync")
		var said struct {
			Counts struct{ Calls int }
			People []struct {
				Counts struct{ Records int }
			} `json:"participants"`
		}
		if err := json.Unmarshal(out, &said); err != nil {
			s.t.Fatal(err)
		}
		m := measured{Program: c.name, What: what, Spent: used, People: len(said.People), Calls: said.Counts.Calls}
		for _, p := range said.People {
			if p.Counts.Records > 0 {
				m.News++
			}
		}
		if what != "" {
			s.note(m)
		}
	}
}
