package notify

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"sync"
	"text/template"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
	"github.com/incidenthub/incidenthub/templates"
)

// Limits of a text for people, in characters. The rest is counted in the text and whole in the alerts.
const (
	maxTitle       = 200
	maxValue       = 120
	maxLine        = 300
	maxDescription = 2000
	maxLines       = 20
	maxAlerts      = 10
	maxLabels      = 12
	maxItems       = 10
)

// text is the parsed text of one kind.
type text struct {
	title, body *template.Template
}

// textRun tells of a run without an incident.
const textRun = "run"

// NewNotices parses the built-in texts. What r knows as a secret is told to nobody.
func NewNotices(r *redact.Redactor) (*Notices, error) {
	parts, err := template.New("parts").Option("missingkey=error").ParseFS(templates.FS, "notice/parts.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the notification texts: %w", err)
	}
	b := &Notices{texts: map[string]*text{}, redact: r}
	for _, name := range []string{
		string(channel.KindFiring), string(channel.KindUpdated), string(channel.KindResolved), string(channel.KindTest), textRun,
	} {
		set, err := template.Must(parts.Clone()).ParseFS(templates.FS, path.Join("notice", name+".tmpl"))
		if err != nil {
			return nil, fmt.Errorf("read the notification text %s: %w", name, err)
		}
		t := &text{title: set.Lookup("title"), body: set.Lookup(name + ".tmpl")}
		if t.title == nil || t.body == nil {
			return nil, fmt.Errorf("the notification text %s has no title or no body", name)
		}
		b.texts[name] = t
	}
	return b, nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (t *text) render(f *facts) (title, body string) {
	buf, _ := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := t.title.Execute(buf, f); err != nil {
		buf.Reset()
		buf.WriteString(f.Subject)
	}
	title = cut(buf.String(), maxTitle)
	buf.Reset()
	if err := t.body.Execute(buf, f); err != nil {
		// Only a slip in a built-in text leads here. The page must go out all the same.
		buf.Reset()
		fmt.Fprintf(buf, "%s\n\nSeverity: %s", f.Description, f.Severity)
	}
	return title, strings.TrimSpace(buf.String())
}

// line brings text from outside onto one line of at most limit characters: breaks become spaces, other controls and marks that
// reorder text are shown as \uXXXX.
func line(s string, limit int) string {
	if strings.ContainsAny(s, "\r\n\t") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return cut(trace.Escape(strings.TrimSpace(s)), limit)
}

// block keeps the lines of a longer text. All but the first are indented, so that none can pass for a line of ours.
func block(s string) string {
	s = strings.TrimSpace(s)
	if !strings.ContainsAny(s, "\r\n") {
		return line(s, maxDescription)
	}
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	var b strings.Builder
	for i, l := range lines {
		if i == maxLines || b.Len() > maxDescription {
			fmt.Fprintf(&b, "\n  … (%d more lines)", len(lines)-i)
			break
		}
		l = line(l, maxDescription)
		if i > 0 {
			b.WriteByte('\n')
			if l != "" {
				b.WriteString("  ")
			}
		}
		b.WriteString(l)
	}
	return b.String()
}

// cut shortens s to limit characters, the last of which is then an ellipsis.
func cut(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == limit {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}
