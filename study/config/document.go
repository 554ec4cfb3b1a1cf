package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/dexetl/dexetl/extract/plain"
)

// A document is a configuration as it was written. The library would read 3.5 as 3,
// and not name the key of what it cannot read.
type document struct {
	lines map[string]int // by key, such as api.region
}

// readDocument looks at every key and value of text by the fields of Config.
func readDocument(text []byte) (document, error) {
	d := document{make(map[string]int)}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return d, syntaxError(err, text)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return d, errors.New("is empty; dexetl init, in another folder, writes one to begin with")
	}
	return d, d.read(file.Docs[0].Body, reflect.TypeFor[Config](), "")
}

// read looks at a node that key has, which is for a value of type t.
func (d document) read(node ast.Node, t reflect.Type, key string) error {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		node = anchor.Value
	}
	if node.Type() == ast.NullType || node.Type() == ast.AliasType {
		return nil
	}
	entries, isMap := entriesOf(node)
	switch {
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		if !isMap {
			return d.unlike(node, key, "keys with values")
		}
		for _, e := range entries {
			if err := d.entry(e, t, key); err != nil {
				return err
			}
		}
		return nil
	case t.Kind() == reflect.Slice:
		if node.Type() != ast.SequenceType {
			return d.unlike(node, key, "a list, such as [egvs, events]")
		}
		return nil
	case isMap || node.Type() == ast.SequenceType:
		return d.unlike(node, key, cmp.Or(scalars()[t.Kind()], "text"))
	}
	return d.scalar(node, t, key)
}

func entriesOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, true
	}
	return nil, false
}

// entry looks at one key below another.
func (d document) entry(e *ast.MappingValueNode, t reflect.Type, above string) error {
	token := e.Key.GetToken()
	key := strings.TrimPrefix(above+"."+token.Value, ".")
	of, known := fieldOf(t, token.Value)
	if _, merged := e.Key.(*ast.MergeKeyNode); merged {
		return nil
	}
	d.lines[key] = token.Position.Line
	if !known {
		message := fmt.Sprintf("line %d: unknown key %q", token.Position.Line, token.Value)
		if near := plain.Nearest(token.Value, keyNames(reflect.TypeFor[Config]())); near != "" {
			message += fmt.Sprintf(", did you mean %q?", near)
		}
		return errors.New(message)
	}
	return d.read(e.Value, of, key)
}

// fieldOf is the type of what a key of t has.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for field := range t.Fields() {
		if field.Tag.Get("yaml") == key {
			return field.Type, true
		}
	}
	return nil, false
}

func (d document) scalar(node ast.Node, t reflect.Type, key string) error {
	value := node.GetToken().Value
	if t == reflect.TypeFor[Duration]() {
		if _, err := ParseDuration(value); err != nil {
			return d.at(key, wrong(key, nil, "%w", err))
		}
		return nil
	}
	if _, err := strconv.ParseInt(value, 0, strconv.IntSize); t.Kind() == reflect.Int && err != nil {
		return d.unlike(node, key, scalars()[reflect.Int])
	}
	if t.Kind() == reflect.Bool && node.Type() != ast.BoolType {
		return d.unlike(node, key, scalars()[reflect.Bool])
	}
	return nil
}

// scalars are what values that are no text have to be.
func scalars() map[reflect.Kind]string {
	return map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Bool: "true or false"}
}

func (d document) unlike(node ast.Node, key, want string) error {
	value := any(nil)
	if _, isScalar := node.(ast.ScalarNode); isScalar {
		value = node.GetToken().Value
	}
	return d.at(key, wrong(cmp.Or(key, "the file"), value, "want %s", want))
}

// at is err with the line of its key, or else of the one that it is below of.
func (d document) at(key string, err error) error {
	for key != "" {
		if line := d.lines[key]; line > 0 {
			return fmt.Errorf("line %d: %w", line, err)
		}
		key = key[:max(0, strings.LastIndex(key, "."))]
	}
	return err
}

// syntaxError says in which line text is no YAML.
func syntaxError(err error, text []byte) error {
	e, ok := errors.AsType[yaml.Error](err)
	if !ok || e.GetToken() == nil {
		return errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	n := e.GetToken().Position.Line
	lines := strings.Split(string(text), "\n")
	if n <= len(lines) && strings.HasPrefix(strings.TrimLeft(lines[n-1], " "), "\t") {
		return fmt.Errorf("line %d: it begins with a tab, where YAML wants blanks", n)
	}
	if e.GetMessage() == "non-map value is specified" {
		return fmt.Errorf("line %d: want a key with a value, such as region: us, with a blank behind the colon", n)
	}
	return fmt.Errorf("line %d: %s", n, e.GetMessage())
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
