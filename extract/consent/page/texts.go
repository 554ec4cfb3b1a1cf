package page

import (
	_ "embed"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// DefaultTexts is the English texts.yaml, comments included: what a study
// begins with that writes its own.
//
//go:embed texts.yaml
var DefaultTexts string

// Texts are the words of the pages, as in texts.yaml.
type Texts struct {
	Language         string     `yaml:"language"`
	Direction        string     `yaml:"direction"`
	Date             string     `yaml:"date"`
	Months           []string   `yaml:"months"`
	StudyWithoutName string     `yaml:"study_without_name"`
	ContactTitle     string     `yaml:"contact_title"`
	Contact          string     `yaml:"contact"`
	Notice           string     `yaml:"notice"`
	Landing          landing    `yaml:"landing"`
	Question         question   `yaml:"question"`
	Connected        simplePage `yaml:"connected"`
	Denied           simplePage `yaml:"denied"`
	Refused          simplePage `yaml:"refused"`
	Later            simplePage `yaml:"later"`
	Call             simplePage `yaml:"call"`
	Used             simplePage `yaml:"used"`
	Expired          simplePage `yaml:"expired"`
	Revoked          simplePage `yaml:"revoked"`
	Unknown          simplePage `yaml:"unknown"`
	Stale            simplePage `yaml:"stale"`
	Busy             simplePage `yaml:"busy"`
	Nothing          simplePage `yaml:"nothing"`
}

// landing is the page behind a link.
type landing struct {
	Title         string   `yaml:"title"`
	Intro         string   `yaml:"intro"`
	ReadsTitle    string   `yaml:"reads_title"`
	Reads         []string `yaml:"reads"`
	ReadsOnly     string   `yaml:"reads_only"`
	PeriodTitle   string   `yaml:"period_title"`
	Period        string   `yaml:"period"`
	PeriodFrom    string   `yaml:"period_from"`
	PeriodUntil   string   `yaml:"period_until"`
	PeriodAll     string   `yaml:"period_all"`
	PeriodUnknown string   `yaml:"period_unknown"`
	LastsTitle    string   `yaml:"lasts_title"`
	Lasts         string   `yaml:"lasts"`
	StopTitle     string   `yaml:"stop_title"`
	Stop          []string `yaml:"stop"`
	AgreeTitle    string   `yaml:"agree_title"`
	Agree         string   `yaml:"agree"`
	Button        string   `yaml:"button"`
	Disagree      string   `yaml:"disagree"`
}

// question is what is asked where another browser came back than the one that
// began.
type question struct {
	Title    string   `yaml:"title"`
	Intro    []string `yaml:"intro"`
	Since    string   `yaml:"since"`
	Empty    string   `yaml:"empty"`
	Unseen   string   `yaml:"unseen"`
	AskTitle string   `yaml:"ask_title"`
	Ask      []string `yaml:"ask"`
	No       string   `yaml:"answer_no"`
	Yes      string   `yaml:"answer_yes"`
	Time     string   `yaml:"time"`
}

// simplePage is a page that only says something.
type simplePage struct {
	Title string   `yaml:"title"`
	Text  []string `yaml:"text"`
}

// ParseTexts reads a texts.yaml. All keys must be there, with text: a page in
// two languages is worse than a server that does not start. What is wrong is
// said with the key or the line.
func ParseTexts(file []byte) (*Texts, error) {
	var t Texts
	if err := yaml.UnmarshalWithOptions(file, &t, yaml.Strict()); err != nil {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	problems := checkTexts(reflect.ValueOf(t), "")
	if len(t.Months) != 0 && len(t.Months) != 12 {
		problems = append(problems, fmt.Sprintf("months: %d, want 12", len(t.Months)))
	}
	if t.Direction != "" && t.Direction != "ltr" && t.Direction != "rtl" {
		problems = append(problems, fmt.Sprintf("direction: %q, want ltr or rtl", t.Direction))
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return &t, nil
}

// checkTexts lists the texts below v, which is at key, that are missing or
// have an unknown placeholder.
func checkTexts(v reflect.Value, key string) (problems []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("yaml")
			problems = append(problems, checkTexts(v.Field(i), strings.TrimPrefix(key+"."+name, "."))...)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			problems = append(problems, key+": is missing")
		}
		for i := range v.Len() {
			problems = append(problems, checkTexts(v.Index(i), fmt.Sprintf("%s[%d]", key, i))...)
		}
	case reflect.String:
		if strings.TrimSpace(v.String()) == "" {
			problems = append(problems, key+": is missing")
		}
		for _, name := range placeholder.FindAllString(v.String(), -1) {
			if !slices.Contains(placeholdersOf(key), name) {
				problems = append(problems, fmt.Sprintf("%s: placeholder %s is none of %s", key, name, strings.Join(placeholdersOf(key), " ")))
			}
		}
	}
	return problems
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// placeholdersOf lists what is known where the text at key is shown.
func placeholdersOf(key string) []string {
	switch key {
	case "date":
		return []string{"{day}", "{month}", "{year}"}
	case "landing.period":
		return []string{"{study}", "{from}", "{to}"}
	case "landing.period_from":
		return []string{"{study}", "{from}"}
	case "landing.period_until":
		return []string{"{study}", "{to}"}
	case "question.since":
		return []string{"{study}", "{date}"}
	}
	return []string{"{study}"}
}

// fill replaces placeholders: names and values take turns.
func fill(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

// day writes a date that no line break tears apart.
func (t *Texts) day(d time.Time) string {
	text := fill(t.Date, "{day}", strconv.Itoa(d.Day()), "{month}", t.Months[d.Month()-1], "{year}", strconv.Itoa(d.Year()))
	return strings.ReplaceAll(text, " ", "\u00a0")
}

// period says in words which days are read: the roster's dates, or with all
// also what was recorded before them.
func (t *Texts) period(from, to time.Time, all bool) string {
	l := t.Landing
	switch {
	case all && to.IsZero():
		return l.PeriodAll
	case all:
		return fill(l.PeriodUntil, "{to}", t.day(to))
	case from.IsZero():
		return l.PeriodUnknown
	case to.IsZero():
		return fill(l.PeriodFrom, "{from}", t.day(from))
	}
	return fill(l.Period, "{from}", t.day(from), "{to}", t.day(to))
}
