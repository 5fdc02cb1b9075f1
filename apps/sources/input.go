package sources

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Limits of an Input, in characters or items.
const (
	maxDescription = 1000
	maxSourceName  = 100
	maxLabels      = 10
	maxLabel       = 200
	minSecret      = 8
	maxSecret      = 1024
	minKey         = 20
	maxKey         = 256
)

// mask is how a secret looks when it was read back from the API; sent back it means "keep".
const mask = "***"

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

// Input is what an operator sets. Update replaces all plain fields: start from InputOf for a partial change.
type Input struct {
	Name        string
	Driver      string // a driver's name, or "" to tell by the shape of each body
	SourceName  string
	Description string
	GroupBy     GroupBy
	Signature   Signature
	IsActive    bool
	// SignatureSecret is the secret to sign with. Nil keeps what is stored, as does the mask ***; an unset value removes it.
	// A new secret makes the stored one the previous, which stays valid until it is removed or replaced in turn.
	SignatureSecret *secret.String
	// SignaturePrevious is the second secret that is valid; nil and the mask keep what is stored, unset removes it.
	SignaturePrevious *secret.String
	// Key is an ingest key of the operator's own, for configuration that comes from files. Nil, unset and the mask keep the stored
	// one; a new entry without it gets a generated one.
	Key *secret.String
}

// InputOf returns the Input that would leave s as it is.
func InputOf(s Source) Input {
	return Input{
		Name: s.Name, Driver: s.Driver, SourceName: s.SourceName, Description: s.Description,
		GroupBy: s.GroupBy.V, Signature: s.Signature, IsActive: s.IsActive,
	}
}

// clean drops masks and white space around words.
func (in Input) clean() Input {
	in.Name, in.Driver = strings.TrimSpace(in.Name), strings.TrimSpace(in.Driver)
	in.SourceName, in.Description = strings.TrimSpace(in.SourceName), strings.TrimSpace(in.Description)
	if in.SignatureSecret != nil && in.SignatureSecret.Reveal() == mask {
		in.SignatureSecret = nil
	}
	if in.SignaturePrevious != nil && in.SignaturePrevious.Reveal() == mask {
		in.SignaturePrevious = nil
	}
	if in.Key != nil && (in.Key.IsZero() || in.Key.Reveal() == mask) {
		in.Key = nil
	}
	return in
}

type problems []Problem

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// check returns every problem. drivers nil: names are not checked. stored is what the row has now.
func (in Input) check(drivers []string, stored secrets) error {
	var p problems
	if !nameForm.MatchString(in.Name) {
		p.add("name", "use 1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit")
	} else if _, err := id.Parse(in.Name); err == nil {
		p.add("name", "this looks like an id; choose a name that people can tell from one")
	}
	if in.Driver != "" && drivers != nil && !slices.Contains(drivers, in.Driver) {
		p.add("driver", "%q is not known; use one of %s, or leave it empty to detect it", clip(in.Driver), strings.Join(drivers, ", "))
	}
	p.text("source_name", in.SourceName, maxSourceName)
	if in.SourceName != "" && in.SourceName != in.Driver && slices.Contains(drivers, in.SourceName) {
		p.add("source_name", "%q is the name of a driver; choose another so that alerts of the two are not mixed up", in.SourceName)
	}
	p.text("description", in.Description, maxDescription)
	p.groupBy(in.GroupBy)
	p.signature(in, stored)
	if in.Key != nil && (len(in.Key.Reveal()) < minKey || len(in.Key.Reveal()) > maxKey) {
		p.add("key", "use %d to %d characters that nobody can guess, or leave it out to have one made", minKey, maxKey)
	}
	if len(p) > 0 {
		return &Invalid{Problems: p}
	}
	return nil
}

func (p *problems) text(field, s string, limit int) {
	if utf8.RuneCountInString(s) > limit {
		p.add(field, "use at most %d characters", limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		p.add(field, "remove control characters and invalid UTF-8")
	}
}

func (p *problems) groupBy(g GroupBy) {
	if g.Vendor && len(g.Labels) > 0 {
		p.add("group_by", `give either a list of labels or "vendor"`)
	}
	if len(g.Labels) > maxLabels {
		p.add("group_by", "use at most %d labels", maxLabels)
		return
	}
	for i, l := range g.Labels {
		if strings.TrimSpace(l) == "" {
			p.add("group_by", "label %d is empty; remove it", i+1)
		}
		p.text("group_by", l, maxLabel)
		if slices.Contains(g.Labels[:i], l) {
			p.add("group_by", "label %q is given twice; remove one", clip(l))
		}
	}
}

func (p *problems) signature(in Input, stored secrets) {
	next := stored.with(in)
	sig := in.Signature
	switch {
	case sig.Scheme != SchemeNone && !slices.Contains(Schemes(), sig.Scheme):
		p.add("signature", "%q is not known; use one of %v, or leave it empty for none", clip(string(sig.Scheme)), Schemes())
	case sig.Scheme != SchemeNone && next.current.IsZero():
		p.add(fieldCurrent, "scheme %q needs the secret that the sender signs with", sig.Scheme)
	case sig.Scheme == SchemeNone && in.SignatureSecret != nil && !in.SignatureSecret.IsZero():
		p.add("signature", "a secret is given but no scheme; use one of %v", Schemes())
	}
	if sig.TimestampHeader != "" && sig.Scheme != SchemeGrafana {
		p.add("signature", "a timestamp header can be set for scheme %q only", SchemeGrafana)
	}
	if sig.TimestampHeader != "" && !headerForm.MatchString(sig.TimestampHeader) {
		p.add("signature", "the timestamp header must be a header's name: letters, digits and hyphens")
	}
	p.secret(fieldCurrent, in.SignatureSecret)
	p.secret(fieldPrevious, in.SignaturePrevious)
}

func (p *problems) secret(field string, v *secret.String) {
	if v == nil || v.IsZero() {
		return
	}
	if n := len(v.Reveal()); n < minSecret || n > maxSecret {
		p.add(field, "use %d to %d characters", minSecret, maxSecret)
	}
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
