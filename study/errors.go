package study

import (
	"errors"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
)

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// IsDataFile reports whether err is about a damaged data file, which the raw log can
// replace.
func IsDataFile(err error) bool {
	damage, ok := errors.AsType[*lake.DamageError](err)
	return ok && strings.HasPrefix(damage.Path, "data/")
}

// IsDamage reports whether err is about a file of the lake that is damaged or gone.
func IsDamage(err error) bool { return is[*lake.DamageError](err) }

// UnlessData is err, but nil for a damaged data file: who shows what can be shown
// without it returns the damage in the end.
func UnlessData(err error) error {
	if IsDataFile(err) {
		return nil
	}
	return err
}
