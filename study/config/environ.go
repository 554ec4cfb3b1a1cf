package config

import (
	"slices"
	"strings"
)

// WithoutOurs is an environment without what was meant for dexetl, secrets among
// it. What a password manager needs stays.
func WithoutOurs(environ []string) []string {
	return slices.DeleteFunc(environ, func(variable string) bool {
		return strings.HasPrefix(variable, "DEXETL_") || strings.HasPrefix(variable, "CREDENTIALS_DIRECTORY=")
	})
}
