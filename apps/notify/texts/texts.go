// Package texts makes the texts of notifications from templates: a channel's own where its settings have some, the built-in ones of
// its driver behind them, and the plain text of the notice behind those. No message is lost to a template. docs/templates.md lists the
// variables.
package texts

import (
	"encoding/json"
	"errors"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// Options of a Set.
type Options struct {
	Driver string // whose built-in templates are used: templates/<driver>/<event>.<part>.j2
	// Escape makes one value inert in the receiver's markup; it is applied to each output of text templates, and to the plain text as a whole
	// where no template made one. Nil: nothing is markup.
	Escape func(string) string
	// The templates of the settings text_template (or template), payload_template and html_template; zero where there is none.
	Text, Payload, HTML settings.Template
	// Most is how many recommendations templates get; 0 is 10.
	Most int
}

// Set are the texts of one channel. It is safe for concurrent use.
type Set struct {
	o                   Options
	text, payload, html own
}

// own is a channel's own template: one for all events, or a choice of built-in ones.
type own struct {
	key    string // of the setting
	inline *jinja.Template
	pick   func(event channel.Kind) *jinja.Template // nil: no name was given
}

// Made is a text.
type Made struct {
	Text    string
	Own     bool     // the channel's own template made it
	Remark  string   // why not, when it has one
	Missing []string // variables that it asked for and the notice has not
}

// The parts of a message, as file names have them.
const (
	partText    = "text"
	partPayload = "payload"
	partHTML    = "html"
)

const usualMost = 10

// New compiles the templates. Complaints about those of the settings are channel.KeyErrors, with the line where there is one.
func New(o Options) (*Set, error) {
	if o.Most == 0 {
		o.Most = usualMost
	}
	s := &Set{o: o}
	var errs []error
	for _, x := range []struct {
		into *own
		from settings.Template
		part string
		key  string
	}{{&s.text, o.Text, partText, "template"}, {&s.payload, o.Payload, partPayload, "payload_template"}, {&s.html, o.HTML, partHTML, "html_template"}} {
		if x.from.Key != "" {
			x.key = x.from.Key
		}
		var err error
		*x.into, err = prepare(x.from, x.key, x.part)
		if err != nil && !slices.ContainsFunc(errs, func(said error) bool { return said.Error() == err.Error() }) { // one template may make two parts
			errs = append(errs, err)
		}
	}
	return s, errors.Join(errs...)
}

func prepare(t settings.Template, key, part string) (own, error) {
	switch {
	case t.Inline != "":
		if asksForHost(t.Inline) {
			hostFacts()
		}
		compiled, err := jinja.Compile(t.Inline)
		if err != nil {
			return own{}, channel.Bad(key, "%s", err.Error())
		}
		return own{key: key, inline: compiled}, nil
	case t.File != "":
		pick, ok := named(t.File, part)
		if ok {
			return own{key: key, pick: pick}, nil
		}
		if t.Bare {
			return own{}, channel.Bad(key, `names no built-in template; for a text of your own write {"type":"inline","template":"…"}. There are %s`, names(part))
		}
		return own{}, channel.Bad(key, "names no built-in template; there are %s", names(part))
	default:
		return own{}, nil
	}
}

// template is what is used for an event; nil: the channel has none.
func (o own) template(k channel.Kind) *jinja.Template {
	if o.pick != nil {
		return o.pick(k)
	}
	return o.inline
}

// Text makes the body text.
func (s *Set) Text(n channel.Notice) Made {
	m, ok := s.make(n, s.text, partText, jinja.Mode{Escape: s.o.Escape}, filled)
	if ok {
		return m
	}
	m.Text = n.Text
	if s.o.Escape != nil {
		m.Text = s.o.Escape(n.Text)
	}
	return m
}

// Payload makes the JSON document of a payload_template; ok is false when there is none or it failed, and made.Remark then says why.
func (s *Set) Payload(n channel.Notice) (doc json.RawMessage, made Made, ok bool) {
	made, ok = s.make(n, s.payload, partPayload, jinja.Mode{Escape: inJSON, JSON: true}, document)
	if !ok {
		return nil, made, false
	}
	return json.RawMessage(made.Text), made, true
}

// HTML makes the HTML part; every output is escaped. ok is false when there is none or it failed, and made.Remark then says why.
func (s *Set) HTML(n channel.Notice) (made Made, ok bool) {
	return s.make(n, s.html, partHTML, jinja.Mode{Escape: inHTML}, filled)
}

// make tries the channel's own template and then the built-in ones.
func (s *Set) make(n channel.Notice, o own, part string, m jinja.Mode, fit func(string) (string, error)) (Made, bool) {
	vars := &variables{n: &n, most: s.o.Most}
	var made Made
	if t := o.template(n.Kind); t != nil {
		text, missing, err := run(t, vars, m, fit)
		made.Missing = missing
		if err == nil {
			made.Text, made.Own = text, true
			return made, true
		}
		made.Remark = o.key + " failed (" + err.Error() + "): the built-in text was sent"
	}
	for _, t := range builtin(s.o.Driver, part, n.Kind) {
		text, _, err := run(t, vars, m, fit)
		if err == nil {
			made.Text = text
			return made, true
		}
		if made.Remark == "" {
			made.Remark = "a built-in template failed (" + err.Error() + ")"
		}
	}
	return made, false
}

// run renders without a caller's context: rendering is bounded by itself, and a message must not be lost to a caller that goes away.
func run(t *jinja.Template, v jinja.Vars, m jinja.Mode, fit func(string) (string, error)) (text string, missing []string, err error) {
	made, err := t.Alone(v, m)
	if err != nil {
		return "", nil, err
	}
	text, err = fit(made.Text)
	return text, made.Missing, err
}

var (
	errEmpty = errors.New("it made nothing")
	errJSON  = errors.New("it made no JSON document")
)

// filled refuses a text that says nothing.
func filled(s string) (string, error) {
	s = strings.TrimRight(strings.Trim(s, "\n"), " \t\n")
	if strings.TrimSpace(s) == "" {
		return "", errEmpty
	}
	return s, nil
}

// document refuses what is not one JSON document, and says in which line it stops being one.
func document(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", errEmpty
	}
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(s), &raw); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + strings.Count(s[:min(max(int(at.Offset)-1, 0), len(s))], "\n")
			return "", &jinja.Error{Message: errJSON.Error() + ": line " + strconv.Itoa(line) + " of the output: " + at.Error()}
		}
		return "", errJSON
	}
	return s, nil
}

// inJSON is a value as the inside of a JSON string.
func inJSON(s string) string {
	b, err := channel.Encode(s)
	if err != nil || len(b) < 2 {
		return ""
	}
	return string(b[1 : len(b)-1])
}

// inHTML escapes for texts and quoted attributes. What a browser would run as an address is no address any more.
func inHTML(s string) string {
	head := strings.ToLower(strings.TrimLeft(s, " \t\r\n"))
	for _, scheme := range []string{"javascript:", "vbscript:", "data:"} {
		if strings.HasPrefix(head, scheme) {
			s = "#" + s
		}
	}
	return html.EscapeString(s)
}
