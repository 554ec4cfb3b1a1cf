package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Load reads dexetl.yaml in dir, lets the environment override it and checks the
// outcome. Errors are *Error. The distrust is a *TrustError if somebody else may have
// written what was read: then nothing that it names may be run, read or written.
func Load(dir string, getenv func(string) string) (c Config, distrust, err error) {
	path := filepath.Join(dir, File)
	text, distrust, err := Read(dir, getenv)
	if err != nil {
		return c, nil, &Error{Path: path, Err: err}
	}
	c, err = parse(path, text, getenv)
	return c, distrust, err
}

func parse(path string, text []byte, getenv func(string) string) (Config, error) {
	config := defaults()
	document, err := readDocument(text)
	if err == nil {
		if err = yaml.UnmarshalWithOptions(text, &config, yaml.Strict()); err != nil {
			err = syntaxError(err, text)
		}
	}
	if err != nil {
		return config, &Error{Path: path, Err: err}
	}
	if err := overrideFromEnvironment(reflect.ValueOf(&config).Elem(), "DEXETL", getenv); err != nil {
		return config, &Error{Path: "environment", Err: err}
	}
	if err := config.check(); err != nil {
		return config, where(err, path, document, getenv)
	}
	return config, nil
}

// LoadMetrics returns the thresholds of the study in dir, or, where that is empty, of
// no study: the defaults, which the environment overrides. Errors are *Error.
func LoadMetrics(dir string, getenv func(string) string) (Metrics, error) {
	if dir != "" {
		c, _, err := Load(dir, getenv)
		return c.Metrics, err
	}
	m := DefaultMetrics()
	if err := overrideFromEnvironment(reflect.ValueOf(&m).Elem(), "DEXETL_METRICS", getenv); err != nil {
		return m, &Error{Path: "environment", Err: err}
	}
	if err := m.check(); err != nil { // by the environment: the defaults are right
		return m, where(err, "", document{}, getenv)
	}
	return m, nil
}

// where says what a wrong value comes from: a variable, or a line of the file.
func where(err error, path string, d document, getenv func(string) string) error {
	e, ok := errors.AsType[*valueError](err)
	if !ok {
		return &Error{Path: path, Err: err}
	}
	if variable := "DEXETL_" + strings.ToUpper(strings.ReplaceAll(e.key, ".", "_")); getenv(variable) != "" {
		return &Error{Path: "environment", Err: fmt.Errorf("%s: %w", variable, err)}
	}
	return &Error{Path: path, Err: d.at(e.key, err)}
}

// An Error is a configuration that cannot be used.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

func overrideFromEnvironment(v reflect.Value, prefix string, getenv func(string) string) error {
	for i := range v.NumField() {
		name := prefix + "_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		field := v.Field(i)
		if field.Kind() == reflect.Struct {
			if err := overrideFromEnvironment(field, name, getenv); err != nil {
				return err
			}
			continue
		}
		if text := getenv(name); text != "" && field.Kind() != reflect.Map {
			if err := setFromText(field, text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func setFromText(field reflect.Value, text string) error {
	if d, ok := field.Addr().Interface().(*Duration); ok {
		return d.UnmarshalText([]byte(text))
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		field.SetInt(int64(n))
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q: true or false", text)
		}
		field.SetBool(text == "true")
	case reflect.Slice:
		field.Set(reflect.ValueOf(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })))
	}
	return nil
}
