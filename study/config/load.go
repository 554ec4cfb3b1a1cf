package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/dexetl/dexetl/extract/plain"
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
	if err := yaml.UnmarshalWithOptions(text, &config, yaml.Strict()); err != nil {
		return config, &Error{Path: path, Err: explainYAML(err)}
	}
	if err := overrideFromEnvironment(reflect.ValueOf(&config).Elem(), "DEXETL", getenv); err != nil {
		return config, &Error{Path: "environment", Err: err}
	}
	if err := config.check(); err != nil {
		return config, &Error{Path: path, Err: err}
	}
	return config, nil
}

// An Error is a configuration that cannot be used.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

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
	if near := plain.Nearest(key, keyNames(reflect.TypeFor[Config]())); near != "" {
		message += fmt.Sprintf(", did you mean %q?", near)
	}
	return errors.New(message)
}

// keyNames lists the last parts of all keys below t.
func keyNames(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		keys = append(keys, field.Tag.Get("yaml"))
		switch {
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, keyNames(field.Type)...)
		case field.Type.Kind() == reflect.Map:
			keys = append(keys, keyNames(field.Type.Elem())...)
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
