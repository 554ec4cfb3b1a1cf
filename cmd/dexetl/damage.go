package main

import (
	"fmt"

	"github.com/dexetl/dexetl/load/lake"
)

// replayNext is the command that brings back the rows of damaged data files.
const replayNext = "dexetl replay  # makes the tables anew from the raw log"

// damageFound is the error of damaged data files that a command went around; nil
// if there are none.
func damageFound(files []*lake.DamageError) error {
	switch len(files) {
	case 0:
		return nil
	case 1:
		return failure(exitDamage, replayNext, "%w; what needs its rows waits, all else is done", files[0])
	}
	return failure(exitDamage, replayNext, "%w, and %d more; what needs their rows waits, all else is done", files[0], len(files)-1)
}

// damaged are the data files of the newest snapshot that are damaged, as far as their
// sizes and its manifest tell.
func (s *study) damaged() ([]*lake.DamageError, error) {
	l, m, err := s.snapshot("")
	if as[*emptyLakeError](err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Damaged(m.Files)
}

// unlessData is err, but nil for a damaged data file: who shows what can be shown
// without it returns the damage in the end.
func unlessData(err error) error {
	if isDataFile(err) {
		return nil
	}
	return err
}

// damageLines names every file.
func damageLines(files []*lake.DamageError) []string {
	return mapped(files, func(f *lake.DamageError) string { return fmt.Sprint(f) })
}

func damagePaths(files []*lake.DamageError) []string {
	return append([]string{}, mapped(files, func(f *lake.DamageError) string { return f.Path })...)
}
