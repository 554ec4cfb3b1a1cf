package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
)

// peers lets other programs land the same egvs. Each prints, as JSON, how many rows it
// has, and what it is made of.
func (s *speed) peers() {
	python, err := filepath.Abs(".venv/bin/python")
	if err != nil {
		s.t.Fatal(err)
	}
	rows := s.all.of(s.size, "backfill")[0].rows()
	for named := range strings.SplitSeq(*speedPeers, ",") {
		words := strings.Fields(named) // the script, and what else it is told
		for _, threads := range []string{"4", "8"} {
			name := strings.Join(append([]string{filepath.Base(words[0]), threads + " threads"}, words[1:]...), ", ")
			args := append([]string{words[0], s.questions, s.t.TempDir(), threads}, words[1:]...)
			used, out := spend(s.t, exec.Command(python, args...))
			var said struct{ Rows int64 }
			if err := json.Unmarshal(out, &said); err != nil {
				s.t.Fatalf("%s: %v\n%s", name, err, out)
			}
			if said.Rows != rows {
				s.t.Errorf("%s has %d rows, dexetl %d", name, said.Rows, rows)
			}
			s.note(measured{Program: name, What: "peer", Spent: used, Rows: said.Rows})
		}
	}
}
