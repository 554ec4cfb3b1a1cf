package study

import "github.com/dexetl/dexetl/study/config"

// LookAgain is for a process that goes on: from now on dexetl.yaml is looked at again
// whenever somebody asks what may be seen, and tell hears what has changed. It is called
// before anything else uses the study.
func (s *Study) LookAgain(tell func(config.Change)) {
	s.live = &config.Live{Dir: s.Dir, Begun: s.Config, Getenv: s.Getenv, Tell: tell}
}

// Rules are what of the configuration may change while the study is open. They are asked
// for wherever they are needed, and kept nowhere.
func (s *Study) Rules() config.Rules {
	if s.live == nil {
		return s.Config.Rules()
	}
	return s.live.Rules()
}

// Blinded reports whether the study is blinded now (study.blinding).
func (s *Study) Blinded() bool { return s.Rules().Blinding }
