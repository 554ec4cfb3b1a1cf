package schemas

import (
	"encoding/json"
	"slices"
	"strings"
)

// mutate changes document, which it returns, in one place.
func (g generator) mutate(document any) any {
	root := []any{document}
	places := placesIn(root, nil)
	p := places[g.IntN(len(places))]
	if p.name != "" && g.IntN(3) == 0 {
		g.rename(p)
	} else {
		p.put(g.instead(p.value()))
	}
	return root[0]
}

// A place is where a value is in a list or an object.
type place struct {
	list   []any
	i      int
	object map[string]any
	name   string
}

func (p place) value() any {
	if p.object != nil {
		return p.object[p.name]
	}
	return p.list[p.i]
}

func (p place) put(value any) {
	if p.object != nil {
		p.object[p.name] = value
	} else {
		p.list[p.i] = value
	}
}

// placesIn adds the places in value, those of names sorted: chance must find them again.
func placesIn(value any, places []place) []place {
	switch value := value.(type) {
	case []any:
		for i, v := range value {
			places = placesIn(v, append(places, place{list: value, i: i}))
		}
	case map[string]any:
		for _, name := range names(value) {
			places = placesIn(value[name], append(places, place{object: value, name: name}))
		}
	}
	return places
}

func names(of map[string]any) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// rename gives the member at p another name, or a second one, or takes it away.
func (g generator) rename(p place) {
	value, first := p.value(), p.name[:1]
	switch g.IntN(6) {
	case 0:
		p.object[p.name+strings.Repeat("n", pick(g, 1, 60, 65, 250, 257))] = value
	case 1:
		p.object[strings.ToUpper(first)+p.name[1:]] = value
	case 2:
		delete(p.object, p.name)
		p.object[strings.ToUpper(first)+p.name[1:]] = value
	case 3:
		p.object["secondaryTriggerCondition"], p.object["SecondaryTriggerCondition"] = json.Number("80"), pick[any](g, nil, json.Number("70"))
	default:
		delete(p.object, p.name)
	}
}

// instead is what may come where value is.
func (g generator) instead(value any) any {
	switch v := value.(type) {
	case json.Number:
		if g.coin() {
			return v.String()
		}
	case string:
		if g.coin() {
			return pick(g, strings.ToUpper(v), v+" ", v+v, strings.Repeat("x", 257), strings.Repeat("😀", 257), strings.Repeat("x", 1025), strings.Repeat("9", 5000), strings.Repeat("x", 17000))
		}
	case bool:
		if g.coin() {
			return pick[any](g, "true", "FALSE", "yes", json.Number("1"))
		}
	case []any:
		if g.coin() && len(v) > 0 {
			return slices.Repeat(v, 1+g.IntN(16))
		}
	}
	return pick[any](g,
		nil, true, "", "text", " ", "12", "+5", "007", ".5", "1e3", "1e999", "NaN", "0x10", "true",
		"2026-02-30T00:00:00Z", "2026-03-14", "2026-03-14T15:02:11.1234567890Z", "1999-01-01T00:00:00Z", g.time(),
		json.Number("12"), json.Number("12.5"), json.Number("-1"), json.Number("1001"), json.Number("40000"), json.Number("3000000000"),
		json.Number("9007199254740993"), json.Number("1e19"), json.Number("1e300"), json.Number("1e999"),
		map[string]any{}, []any{}, []any{nil}, map[string]any{"a": json.Number("1")}, g.anything(40))
}
