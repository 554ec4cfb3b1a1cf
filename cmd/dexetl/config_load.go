package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/goccy/go-yaml"
)

// loadStudy reads dexetl.yaml in dir, lets the environment override it and checks
// the outcome. Errors are *configError. Whether it may be believed was looked at in
// the file that was read, and is for openState to say.
func loadStudy(dir string, getenv func(string) string) (*study, error) {
	path := filepath.Join(dir, configFile)
	text, distrust, err := readConfig(dir, getenv)
	if err != nil {
		return nil, &configError{Path: path, Err: err}
	}
	config, err := parseConfig(path, text, getenv)
	if err != nil {
		return nil, err
	}
	return &study{dir: dir, config: config, distrust: distrust}, nil
}

func parseConfig(path string, text []byte, getenv func(string) string) (Config, error) {
	config := defaultConfig()
	if err := yaml.UnmarshalWithOptions(text, &config, yaml.Strict()); err != nil {
		return config, &configError{Path: path, Err: explainYAML(err)}
	}
	if err := overrideFromEnvironment(reflect.ValueOf(&config).Elem(), "DEXETL", getenv); err != nil {
		return config, &configError{Path: "environment", Err: err}
	}
	if err := config.check(); err != nil {
		return config, &configError{Path: path, Err: err}
	}
	return config, nil
}

// A configError is a configuration that cannot be used.
type configError struct {
	Path string
	Err  error
}

func (e *configError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *configError) Unwrap() error { return e.Err }

func explainYAML(err error) error {
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		kind := map[reflect.Kind]string{reflect.Int: "a whole number", reflect.String: "text", reflect.Slice: "a list"}[wrong.DstType.Kind()]
		return fmt.Errorf("line %d: %q, want %s", wrong.Token.Position.Line, wrong.Token.Value, cmp.Or(kind, "keys with values"))
	}
	unknown, ok := errors.AsType[*yaml.UnknownFieldError](err)
	if !ok {
		return errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	key := unknown.Token.Value
	message := fmt.Sprintf("line %d: unknown key %q", unknown.Token.Position.Line, key)
	if near := plain.Nearest(key, configKeys(reflect.TypeFor[Config]())); near != "" {
		message += fmt.Sprintf(", did you mean %q?", near)
	}
	return errors.New(message)
}

// configKeys lists the last parts of all keys below t.
func configKeys(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		keys = append(keys, field.Tag.Get("yaml"))
		switch {
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, configKeys(field.Type)...)
		case field.Type.Kind() == reflect.Map:
			keys = append(keys, configKeys(field.Type.Elem())...)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

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
	case reflect.Slice:
		field.Set(reflect.ValueOf(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })))
	}
	return nil
}
