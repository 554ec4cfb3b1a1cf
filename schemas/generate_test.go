package schemas

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A generator makes documents of a schema by chance, at its limits more often than
// anything real.
type generator struct {
	*rand.Rand
	document map[string]any
}

func (g generator) coin() bool { return g.IntN(2) == 0 }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// value is one that schema takes.
func (g generator) value(schema map[string]any) any {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		return g.value(g.document["$defs"].(map[string]any)[name].(map[string]any))
	}
	if ways, ok := schema["anyOf"].([]any); ok && schema["type"] == nil {
		return g.value(pick(g, ways...).(map[string]any))
	}
	if list, ok := schema["enum"].([]any); ok {
		return pick(g, list...)
	}
	switch g.kind(schema) {
	case "object":
		return g.object(schema)
	case "array":
		return g.array(schema)
	case "string":
		return g.text(schema)
	case "integer":
		return g.whole(schema)
	case "number":
		return g.number(schema)
	case "boolean":
		return g.coin()
	}
	return nil
}

func (g generator) kind(schema map[string]any) string {
	if list, ok := schema["type"].([]any); ok {
		return pick(g, list...).(string)
	}
	return schema["type"].(string)
}

func (g generator) object(schema map[string]any) any {
	properties, made := schema["properties"].(map[string]any), map[string]any{}
	required, _ := schema["required"].([]any)
	for _, name := range names(properties) {
		if slices.Contains(required, any(name)) || g.coin() && name != "SecondaryTriggerCondition" {
			made[name] = g.value(properties[name].(map[string]any))
		}
	}
	if len(made) > 0 && g.IntN(8) == 0 {
		made[pick(g, "sensorLot", "", "é😀", "recordid", "sent", strings.Repeat("😀", maxNameChars))] = g.anything(3)
	}
	if g.IntN(40) == 0 {
		for i := range g.IntN(300) {
			made["n"+strconv.Itoa(i)] = g.IntN(10)
		}
	}
	if setting := properties["SecondaryTriggerCondition"]; setting != nil && made["secondaryTriggerCondition"] == nil && g.coin() {
		delete(made, "secondaryTriggerCondition")
		made["SecondaryTriggerCondition"] = g.value(setting.(map[string]any))
	}
	return made
}

// anything is any value that JSON has, depth objects and lists within each other.
func (g generator) anything(depth int) any {
	switch n := g.IntN(8); {
	case n == 0 && depth > 0:
		return map[string]any{"level": g.anything(depth - 1), "flags": g.anything(depth - 1)}
	case n == 1 && depth > 0:
		return []any{g.anything(depth - 1), g.anything(depth - 1)}
	}
	return pick[any](g, nil, true, false, "", "x", "a note", json.Number("0"), json.Number("-1.5e3"))
}

func (g generator) array(schema map[string]any) any {
	most, _ := schema["maxItems"].(json.Number).Int64()
	if most > 100 { // records: each is like the other
		most = 3
	}
	n := pick(g, 0, 1, 1, 2, 3, int(most))
	made := make([]any, n)
	for i := range made {
		made[i] = g.value(schema["items"].(map[string]any))
	}
	return made
}

func (g generator) text(schema map[string]any) any {
	if schema["pattern"] != nil {
		return g.time()
	}
	if known, ok := schema["anyOf"].([]any); ok {
		if schema = pick(g, append(known, known[0])...).(map[string]any); schema["enum"] != nil {
			return g.value(schema)
		}
	}
	return g.textOf(bound(schema, "minLength", 0), bound(schema, "maxLength", 20))
}

// bound is a number in schema, which has or if it says none.
func bound(schema map[string]any, name string, or int) int {
	if n, ok := schema[name].(json.Number); ok {
		i, _ := n.Int64()
		return int(i)
	}
	return or
}

// textOf is text of least to most characters, of one byte to four.
func (g generator) textOf(least, most int) string {
	alphabet := pick(g, "abc", "0123456789", " ,;:\"\\/<>&\t\n\x00\u007f", "äéß", "漢字", "😀🩸", "aé漢😀\u2028")
	letters := []rune(alphabet)
	text := make([]rune, pick(g, least, least+g.IntN(10), min(most, least+g.IntN(most)), most))
	for i := range text {
		text[i] = letters[g.IntN(len(letters))]
	}
	return string(text)
}

// time is a time from 2010 on in any shape.
func (g generator) time() string {
	number := func(least, most int) string { return digits(least+g.IntN(most-least+1), 1+g.IntN(2)) }
	text := digits(2011+g.IntN(100), 4) + "-" + number(1, 12) + "-" + number(1, 28) + pick(g, "T", "T", "t", " ") + number(0, 23) + ":" + number(0, 59)
	if g.IntN(4) > 0 {
		text += ":" + number(0, 59) + pick(g, "", "", ".9", ".964", ".123456789")
	}
	return text + pick(g, "", "Z", "z", "-08:00", "+05:45", "-06:59:58", "+0530", "+9", "-000030", "+23:59:59")
}

func (g generator) whole(schema map[string]any) any {
	least, most := bound(schema, "minimum", 0), bound(schema, "maximum", 0)
	n := pick(g, least, most, least+g.IntN(most-least), least+g.IntN(min(500, most-least)))
	return json.Number(strconv.Itoa(n) + pick(g, "", "", ".0", "e0", ".000E+0"))
}

func (g generator) number(schema map[string]any) any {
	if schema["minimum"] == nil { // of an event's value, which may be anything
		return json.Number(pick(g, "400", "4.5", "-1.00", "1e300", "-0", "0.00000000000000000000000000000001"))
	}
	least, most := bound(schema, "minimum", 0), bound(schema, "maximum", 0)
	return json.Number(strconv.Itoa(least+1+g.IntN(most-least-1)) + pick(g, "", ".5", "e0", ".25E-2"))
}
