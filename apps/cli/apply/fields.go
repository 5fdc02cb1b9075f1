package apply

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// reader takes the fields of one entry and complains about what is left.
type reader struct {
	kind   Kind
	name   string
	line   int
	node   ast.Node
	fields map[string]pair
	known  []string
	getenv func(string) string
	p      *Problems
}

func newReader(kind Kind, n ast.Node, line int, getenv func(string) string, p *Problems) *reader {
	r := &reader{kind: kind, line: line, node: n, fields: map[string]pair{}, getenv: getenv, p: p}
	for _, e := range pairs(n) {
		r.fields[e.name] = e
	}
	if s, ok := r.fields["name"].value.(*ast.StringNode); ok {
		r.name = strings.TrimSpace(s.Value)
	}
	if r.text("name"); r.name == "" {
		r.complain("name", "every entry needs a name")
	}
	return r
}

func (r *reader) complain(field, message string) {
	line := r.line
	if e, ok := r.fields[field]; ok {
		line = e.line
	}
	r.p.add(Problem{Line: line, Kind: r.kind, Name: r.name, Field: field, Message: message})
}

// end complains about every field that nobody took.
func (r *reader) end() {
	for _, e := range pairs(r.node) {
		if _, left := r.fields[e.name]; left && e.name != "" {
			r.complain(e.name, "unknown field; known are "+strings.Join(r.known, ", "))
		}
	}
}

// take returns a field's value with expand applied to its texts; nil when it is not given or null.
func (r *reader) take(field string, expand bool) any {
	r.known = append(r.known, field)
	e, ok := r.fields[field]
	if !ok {
		return nil
	}
	v := plain(e.value, r.p, func(text string, line int) string {
		if !expand {
			return text
		}
		full, missing := expandEnv(text, r.getenv)
		for _, name := range missing {
			r.p.add(Problem{
				Line: line, Kind: r.kind, Name: r.name, Field: field,
				Message: fmt.Sprintf("the environment variable %s is not set (write $${ for a plain ${)", name),
			})
		}
		return full
	})
	delete(r.fields, field)
	return v
}

func (r *reader) wrong(field, want string) {
	line := find(r.node, r.line, "/"+field)
	r.p.add(Problem{Line: line, Kind: r.kind, Name: r.name, Field: field, Message: "must be " + want})
}

func (r *reader) text(field string) string {
	switch v := r.take(field, false).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		r.wrong(field, "text; put it in quotes")
		return ""
	}
}

// active is the switch that every entry has.
func (r *reader) active(otherwise bool) bool {
	const field = "is_active"
	switch v := r.take(field, false).(type) {
	case nil:
		return otherwise
	case bool:
		return v
	default:
		r.wrong(field, "true or false")
		return otherwise
	}
}

// secret returns nil when the field is not given, so that what is stored stays.
func (r *reader) secret(field string) *secret.String {
	_, given := r.fields[field]
	switch v := r.take(field, true).(type) {
	case nil:
		if given {
			return &secret.String{}
		}
		return nil
	case string:
		s := secret.NewString(v)
		return &s
	default:
		r.wrong(field, "text; put it in quotes")
		return nil
	}
}

func (r *reader) texts(field string) []string {
	v := r.take(field, false)
	if v == nil {
		return nil
	}
	var out []string
	if r.into(v, &out) != nil {
		r.wrong(field, "a list of texts")
	}
	return out
}

func (r *reader) document(field string, expand bool) json.RawMessage {
	v := r.take(field, expand)
	if v == nil {
		return nil
	}
	var out map[string]json.RawMessage
	raw, err := json.Marshal(v)
	if err != nil || json.Unmarshal(raw, &out) != nil {
		r.wrong(field, "a mapping")
		return nil
	}
	return raw
}

func (r *reader) into(v, target any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, target)
}

func (r *reader) source() sources.Input {
	in := sources.Input{
		Name: r.name, Driver: r.text("driver"), SourceName: r.text("source_name"), Description: r.text("description"),
		IsActive: r.active(true),
	}
	if v := r.take("group_by", false); v != nil && r.into(v, &in.GroupBy) != nil {
		r.wrong("group_by", `a list of label names, or the word vendor`)
	}
	if err := in.Signature.UnmarshalText([]byte(r.text("signature"))); err != nil {
		r.p.add(Problem{Line: find(r.node, r.line, "/signature"), Kind: r.kind, Name: r.name, Field: "signature", Message: err.Error()})
	}
	in.SignatureSecret, in.SignaturePrevious, in.Key = r.secret("signature_secret"), r.secret("signature_previous"), r.secret("key")
	return in
}

func (r *reader) channel() notify.ChannelInput {
	in := notify.ChannelInput{
		Name: r.name, Driver: r.text("driver"), Config: r.document("config", true), Description: r.text("description"),
		MinSeverity: event.Severity(r.text("min_severity")), Renotify: r.span("renotify", r.take("renotify", false)), IsActive: r.active(true),
	}
	in.Throttle = r.throttle()
	const field = "fallback"
	switch v := r.take(field, false).(type) {
	case nil:
	case map[string]any:
		name, isText := v["channel"].(string)
		if in.Fallback = strings.TrimSpace(name); !isText || in.Fallback == "" {
			r.wrong(field, "a mapping with the name of a channel: {channel: NAME, after: 10m}")
		}
		in.FallbackAfter = r.span(field+"/after", v["after"])
		for key := range v {
			if key != "channel" && key != "after" {
				r.wrong(field, fmt.Sprintf("a mapping of channel and after; %q is unknown", clip(key)))
			}
		}
	default:
		r.wrong(field, "a mapping: {channel: NAME, after: 10m}")
	}
	return in
}

// throttle reads {messages: 5, per: 10m}.
func (r *reader) throttle() (l notify.Throttle) {
	const field, like = "throttle", "a mapping: {messages: 5, per: 10m}"
	v := r.take(field, false)
	if v == nil {
		return l
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.wrong(field, like)
		return l
	}
	n, err := strconv.Atoi(fmt.Sprint(m["messages"]))
	switch {
	case m["messages"] == nil || m["per"] == nil:
		r.wrong(field, like)
	case err != nil:
		r.wrong(field+"/messages", "a whole number, such as 5")
	}
	l.Messages, l.Per = n, r.span(field+"/per", m["per"])
	for key := range m {
		if key != "messages" && key != "per" {
			r.wrong(field, fmt.Sprintf("a mapping of messages and per; %q is unknown", clip(key)))
		}
	}
	return l
}

// span reads a time: a text such as 30m, or a number of seconds.
func (r *reader) span(field string, v any) time.Duration {
	if v == nil {
		return 0
	}
	d, err := period.Parse(fmt.Sprint(v))
	if err != nil {
		r.wrong(field, strings.TrimPrefix(err.Error(), "must be "))
	}
	return d
}

func (r *reader) provider() analysts.RecordInput {
	return analysts.RecordInput{
		Name: r.name, Provider: r.text("provider"), Config: r.document("config", true), Description: r.text("description"),
		IsActive: r.active(false),
	}
}

func (r *reader) pipeline() orchestration.DefinitionInput {
	return orchestration.DefinitionInput{
		Name: r.name, Description: r.text("description"), Config: r.document("config", false), Tags: r.texts("tags"),
		IsActive: r.active(true),
	}
}

var envReference = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\$\{`)

// expandEnv replaces ${NAME} by the variable's value and $${ by ${. Variables that are unset or empty are returned: an empty
// secret is never what was meant.
func expandEnv(text string, getenv func(string) string) (full string, missing []string) {
	full = envReference.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name := found[2 : len(found)-1]
		value := getenv(name)
		if value == "" {
			missing = append(missing, name)
		}
		return value
	})
	return full, missing
}
