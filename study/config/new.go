package config

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed dexetl.yaml.tmpl
var newConfig string

// Values fill a new dexetl.yaml.
type Values struct {
	StudyID  string
	History  string
	Region   string
	BaseURL  string
	ClientID string

	Name, Contact string // as participants read them
	PublicURL     string // of the consent pages
}

// Write makes dir with its configuration. That of a study that is there stays as it is:
// the error is fs.ErrExist.
func Write(dir string, values Values) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("study folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	err = template.Must(template.New(File).Parse(newConfig)).Execute(file, values)
	return errors.Join(err, file.Close())
}

// NameOf is the study's id by the name of its folder, where that is one.
func NameOf(dir string) string {
	absolute, err := filepath.Abs(dir)
	if name := filepath.Base(absolute); err == nil && StudyID.MatchString(name) {
		return name
	}
	return "STUDY1"
}
