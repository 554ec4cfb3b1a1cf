package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// A notice is a page that is the same for everybody.
type notice string

// The notices; the first five have an address of their own.
const (
	connected notice = "connected"
	denied    notice = "denied"
	refused   notice = "refused"
	later     notice = "later"
	call      notice = "call"
	used      notice = "used"
	expired   notice = "expired"
	revoked   notice = "revoked"
	unknown   notice = "unknown"
	stale     notice = "stale"
	busy      notice = "busy"
	nothing   notice = "nothing"
)

// A look is how a notice is shown.
type look struct {
	status int    // of HTTP
	symbol string // the drawing of page.html.tmpl that stands above the title
	words  simplePage
	page   []byte // rendered
}

func (t *Texts) notices() map[notice]look {
	return map[notice]look{
		connected: {http.StatusOK, "check", t.Connected, nil},
		denied:    {http.StatusOK, "pause", t.Denied, nil},
		refused:   {http.StatusOK, "pause", t.Refused, nil},
		later:     {http.StatusServiceUnavailable, "clock", t.Later, nil},
		call:      {http.StatusConflict, "phone", t.Call, nil},
		used:      {http.StatusGone, "check", t.Used, nil},
		expired:   {http.StatusGone, "clock", t.Expired, nil},
		revoked:   {http.StatusGone, "link", t.Revoked, nil},
		unknown:   {http.StatusNotFound, "link", t.Unknown, nil},
		stale:     {http.StatusBadRequest, "clock", t.Stale, nil},
		busy:      {http.StatusTooManyRequests, "clock", t.Busy, nil},
		nothing:   {http.StatusNotFound, "link", t.Nothing, nil},
	}
}

var (
	//go:embed page.html.tmpl
	pageTemplate string
	//go:embed style.css
	style string

	pages = template.Must(template.New("page").Parse(pageTemplate))
)

// A view is what the template shows.
type view struct {
	Texts   *Texts
	Style   template.CSS
	Study   string
	Title   string
	Symbol  string
	Text    []string
	Reads   *landing // what is read, for how long, how to stop; nil: a simple page
	Period  string
	Press   string    // token of the button of a landing page; "": none
	Ask     *question // what is asked; nil: nothing
	Token   string    // of the question
	Stop    bool      // say how to stop
	Contact []span
}

// A span is a piece of the contact, a link where Href is set.
type span struct {
	Text string
	Href template.URL
}

var reachable = regexp.MustCompile(`([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)|(\+?[0-9][0-9 ()./-]{4,}[0-9])`)

// contactSpans makes links of the mail addresses and phone numbers in text.
func contactSpans(text string) (spans []span) {
	end := 0
	for _, at := range reachable.FindAllStringSubmatchIndex(text, -1) {
		if at[0] > end {
			spans = append(spans, span{Text: text[end:at[0]]})
		}
		found, href := text[at[0]:at[1]], "mailto:"
		if isMail := at[2] >= 0; isMail {
			href += found
		} else {
			href = "tel:" + dialled(found)
		}
		// Both are of characters that mean nothing to HTML or a URL.
		spans = append(spans, span{found, template.URL(href)})
		end = at[1]
	}
	if end < len(text) {
		spans = append(spans, span{Text: text[end:]})
	}
	return spans
}

// dialled is a phone number without what people put between its digits.
func dialled(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
}

func (s *site) view(title string, text []string) view {
	study := cmp.Or(s.Study.Name, s.texts.StudyWithoutName)
	v := view{Texts: filled(s.texts, study), Style: template.CSS(style), Study: study,
		Title: fill(title, "{study}", study), Contact: contactSpans(s.Study.Contact)}
	for _, paragraph := range text {
		v.Text = append(v.Text, fill(paragraph, "{study}", study))
	}
	return v
}

// filled is t with the study's name where a landing page or a question shows it.
func filled(t *Texts, study string) *Texts {
	out := *t
	l, q := &out.Landing, &out.Question
	for _, text := range []*string{&out.ContactTitle, &out.Contact, &out.Notice, &l.Intro, &l.ReadsTitle, &l.ReadsOnly, &l.PeriodTitle, &l.LastsTitle, &l.Lasts,
		&l.StopTitle, &l.AgreeTitle, &l.Agree, &l.Button, &l.Disagree, &q.AskTitle, &q.No, &q.Yes, &q.Time} {
		*text = fill(*text, "{study}", study)
	}
	for _, list := range []*[]string{&l.Reads, &l.Stop, &q.Ask} {
		*list = slices.Clone(*list)
		for i := range *list {
			(*list)[i] = fill((*list)[i], "{study}", study)
		}
	}
	return &out
}

func (s *site) renderAll() (map[notice]look, error) {
	all := s.texts.notices()
	for how, l := range all {
		v := s.view(l.words.Title, l.words.Text)
		v.Symbol, v.Stop = l.symbol, how == connected
		var page bytes.Buffer
		if err := pages.Execute(&page, v); err != nil {
			return nil, fmt.Errorf("page %s: %w", how, err)
		}
		l.page = page.Bytes()
		all[how] = l
	}
	return all, nil
}

// renderLanding shows what the study reads of p, without saying who p is, and a
// button with the token press.
func (s *site) renderLanding(w io.Writer, p cohort.Participant, press string) error {
	v := s.readsOf(p, s.texts.Landing.Title, []string{s.texts.Landing.Intro})
	v.Press = press
	return pages.Execute(w, v)
}

// renderQuestion asks somebody who came with another browser whether it is their
// account, and shows before what the study reads.
func (s *site) renderQuestion(w io.Writer, q consent.Question) error {
	t := s.texts.Question
	account := t.Unseen
	switch {
	case q.Seen && q.FirstReading.IsZero():
		account = t.Empty
	case q.Seen:
		account = fill(t.Since, "{date}", s.texts.day(q.FirstReading.UTC()))
	}
	v := s.readsOf(q.Participant, t.Title, append(slices.Clone(t.Intro), account))
	v.Ask, v.Token = &v.Texts.Question, q.Token
	return pages.Execute(w, v)
}

// readsOf is a page that says what the study reads of p.
func (s *site) readsOf(p cohort.Participant, title string, lead []string) view {
	v := s.view(title, lead)
	v.Reads = &v.Texts.Landing
	v.Period = fill(s.texts.period(p.StudyStart, p.StudyEnd, s.Study.AllHistory), "{study}", v.Study)
	return v
}

// programs are the addresses to which browsers may be sent in the end.
func (s *site) programs() []string {
	if s.Programs == nil {
		return nil
	}
	return s.Programs()
}

// contentSecurityPolicy lets pages do what they do: show themselves with their
// style and send the form. Chromium holds form-action against where the answer
// redirects to as well, and Dexcom's login passes through hosts of its own
// choice, so any https address is allowed, and the app's own.
func (s *site) contentSecurityPolicy() string {
	sum := sha256.Sum256([]byte(style))
	targets := []string{"'self'", "https:"}
	for _, app := range s.Grants.Client.Apps {
		u, err := url.Parse(app.BaseURL)
		if err != nil || u.Scheme != "http" {
			continue
		}
		if origin := "http://" + u.Host; !slices.Contains(targets, origin) {
			targets = append(targets, origin)
		}
	}
	for _, address := range s.programs() { // to which the answer to a question leads
		u, err := url.Parse(address)
		if err != nil || u.Scheme == "https" {
			continue
		}
		source := u.Scheme + ":"
		if u.Host != "" {
			source += "//" + u.Host
		}
		if !slices.Contains(targets, source) {
			targets = append(targets, source)
		}
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; form-action " +
		strings.Join(targets, " ") + "; base-uri 'none'; frame-ancestors 'none'"
}
