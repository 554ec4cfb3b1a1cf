package schemas

// A shape is what kind of JSON value a member of a form has.
type shape struct {
	kind     string // by JSON Schema
	more     object // what else JSON Schema says of it
	parts    []part // of an object, or of each object of a list
	optional bool   // the member may be missing
}

// The shapes of single values.
var (
	aText  = shape{kind: "string"}
	aBool  = shape{kind: "boolean"}
	aReal  = shape{kind: "number"}
	aWhole = shape{kind: "integer"}
	aCount = shape{kind: "integer", more: object{{"minimum", 0}}}
	anAge  = shape{kind: "number", more: object{{"minimum", 0}}} // of time

	anID   = shape{kind: "string", more: object{{"minLength", 1}}}
	aULID  = patterned(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	aHash  = patterned(`^[0-9a-f]{64}$`)
	aDate  = patterned(`^\d{4}-\d{2}-\d{2}$`)
	aLocal = patterned(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?$`) // on somebody's wall clock

	anInstant    = patterned(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$`)
	anOffsetTime = patterned(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$`)
	aMinute      = patterned(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC$`)
	aWallTime    = patterned(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$`)
)

// patterned is text of which all has a pattern.
func patterned(pattern string) shape {
	return shape{kind: "string", more: object{{"pattern", pattern}}}
}

// wordOf is one of these texts.
func wordOf(values ...any) shape { return shape{kind: "string", more: object{{"enum", values}}} }

// objectOf is an object with these members.
func objectOf(parts ...part) shape { return shape{kind: "object", parts: parts} }

// listOf is a list of objects with these members.
func listOf(parts ...part) shape { return shape{kind: "array", parts: parts} }

// texts is a list of texts.
func texts() shape {
	return shape{kind: "array", more: object{{"items", object{{"type", "string"}}}}}
}

// byTable is an object with a member for each table.
func byTable(of shape) shape {
	return shape{kind: "object", more: object{{"additionalProperties", of.schema()}}}
}

// maybe is of, or nothing: then the member is missing.
func maybe(of shape) shape {
	of.optional = true
	return of
}

// schema is s in JSON Schema.
func (s shape) schema() object {
	return append(object{{"type", s.kind}}, s.rest()...)
}

func (s shape) rest() object {
	switch {
	case s.parts == nil:
		return s.more
	case s.kind == "array":
		return object{{"items", append(object{{"type", "object"}}, closed(s.parts)...)}}
	}
	return closed(s.parts)
}

// closed says that an object has these members, and no others.
func closed(parts []part) object {
	var properties object
	required := []string{}
	for _, p := range parts {
		properties = append(properties, member{p.name, p.schema()})
		if !p.shape.optional {
			required = append(required, p.name)
		}
	}
	return object{{"properties", properties}, {"required", required}, {"additionalProperties", false}}
}

// schema is p's value in JSON Schema.
func (p part) schema() object {
	says := object{{"description", p.description()}, {"type", p.shape.kind}}
	if p.null != "" {
		says[1].value = []string{p.shape.kind, "null"}
	}
	for _, m := range p.shape.rest() {
		if values, ok := m.value.([]any); ok && m.name == "enum" && p.null != "" {
			m.value = append(values[:len(values):len(values)], nil)
		}
		says = append(says, m)
	}
	return says
}

func (p part) description() string {
	if p.null == "" {
		return p.comment
	}
	return p.comment + "; null: " + p.null
}
