package notify

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/templates"
)

// text is the compiled text of one kind.
type text struct {
	title, body *jinja.Template
}

// textRun tells of a run without an incident.
const textRun = "run"

// NewNotices compiles the built-in texts. What r knows as a secret is told to nobody.
func NewNotices(r *redact.Redactor) (*Notices, error) {
	b := &Notices{texts: map[string]*text{}, redact: r, addresses: ownAddresses()}
	for _, name := range []string{
		string(channel.KindFiring), string(channel.KindUpdated), string(channel.KindReminder), string(channel.KindAcknowledged),
		string(channel.KindResolved), string(channel.KindTest), string(channel.KindSent), textRun,
	} {
		t := &text{}
		var err error
		if t.title, err = compiled(name + ".title"); err == nil {
			t.body, err = compiled(name + ".text")
		}
		if err != nil {
			return nil, fmt.Errorf("read the notification text %s: %w", name, err)
		}
		b.texts[name] = t
	}
	return b, nil
}

// part is the place of a text that several share; templates of operators have nothing like it.
var part = regexp.MustCompile(`\{# part ([a-z]+) #\}`)

func compiled(name string) (*jinja.Template, error) {
	read := func(name string) (string, error) {
		b, err := fs.ReadFile(templates.FS, path.Join(templates.Notice, name+".j2"))
		return strings.TrimSuffix(string(b), "\n"), err
	}
	source, err := read(name)
	if err != nil {
		return nil, err
	}
	source = part.ReplaceAllStringFunc(source, func(mark string) string {
		s, missing := read("part." + part.FindStringSubmatch(mark)[1])
		if missing != nil {
			err = missing
		}
		return s
	})
	if err != nil {
		return nil, err
	}
	return jinja.Compile(source)
}

func (t *text) render(f *facts) (title, body string) {
	made, err := t.title.Alone(f, jinja.Mode{})
	if title = made.Text; err != nil {
		title = f.Subject
	}
	if made, err = t.body.Alone(f, jinja.Mode{}); err != nil {
		// Only a slip in a built-in text, or one beyond all bounds, leads here. The page must go out all the same.
		made.Text = fmt.Sprintf("%s\n\nSeverity: %s", f.Description, f.Severity)
	}
	return cut(title, maxTitle), strings.TrimSpace(made.Text)
}

// Var implements jinja.Vars. Each text is a line, or block, that is clean already.
func (f *facts) Var(name string) (any, bool) {
	switch name {
	case "subject":
		return f.Subject, true
	case "severity":
		return f.Severity, true
	case "severity_upper":
		return f.SEVERITY, true
	case "event":
		return f.Event, true
	case "description":
		return f.Description, true
	case "status":
		return f.Status, true
	case "where":
		return f.Where, true
	case "source":
		return f.Source, true
	case "since":
		return f.Since, true
	case "ended":
		return f.Ended, true
	case "duration":
		return f.Duration, true
	case "labels":
		return f.Labels, true
	case "alerts":
		return anyList(f.Alerts), true
	case "count":
		return f.Count, true
	case "more":
		return int64(f.More), true
	case "ingest":
		return f.Ingest, true
	case "nothing":
		return f.Nothing, true
	case "channel":
		return f.Channel, true
	case "summary":
		return f.Summary, true
	case "still":
		return f.Still, true
	case "by":
		return f.By, true
	case "at":
		return f.At, true
	case "links":
		return f.linkList(), true
	case "checks":
		return f.Checks.vars(), true
	case "analysis":
		return f.Analysis.vars(), true
	default:
		return nil, false
	}
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func (f *facts) linkList() []any {
	out := make([]any, len(f.Links))
	for i, l := range f.Links {
		out[i] = map[string]any{"name": l.Name, "url": l.URL}
	}
	return out
}

func (c *checkFacts) vars() any {
	if c == nil {
		return nil
	}
	return map[string]any{"host": c.Host, "run": int64(c.Run), "passed": int64(c.Passed), "bad": anyList(c.Bad), "ok": c.OK, "elsewhere": c.Elsewhere}
}

func (a *analysisFacts) vars() any {
	if a == nil {
		return nil
	}
	return map[string]any{
		"head": a.Head, "summary": a.Summary, "cause": a.Cause, "doubt": a.Doubt, "items": anyList(a.Items), "more": int64(a.More), "empty": a.Empty,
	}
}
