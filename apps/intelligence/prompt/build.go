package prompt

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// after stands behind the document, so that the last words are the hub's.
const after = "\nThis was the document. Answer with the one JSON object that the rules describe.\n"

// Build makes the prompt. What it is given is redacted and capped once more, whoever prepared it. The error is of budgets that are too
// small (ErrBudget), and of a marker that cannot be had.
func Build(in Input) (*providers.Prompt, Built, error) {
	if in.Request == nil {
		return nil, Built{}, errors.New("prompt: there is no request")
	}
	r := in.Redactor
	if r == nil {
		r = redact.New()
	}
	if in.RedactEmails {
		r = r.WithEmails()
	}
	budget := in.Budget
	if budget <= 0 {
		budget = DefaultBudget
	}
	p := &preparing{redact: r.WithPlain(), keep: true}
	incident, evidence := p.all(in.Request.Incident, &in.Request.Evidence)
	doc := write(incident, &evidence)
	all := in.Kept.with(p.sum)
	said := &trusted{hint: p.text(in.Request.Hint, MaxHint), context: p.text(in.Request.Context, MaxHint)}
	all.shown(doc)
	f := &fitting{doc: doc, said: said}
	if err := f.fit(budget*perToken - fixed); err != nil {
		return nil, Built{}, err
	}
	all.shown(doc)
	all.Cut = all.Cut || p.sum.Cut || f.cut
	raw, err := encode(doc)
	if err != nil {
		return nil, Built{}, err
	}
	before := said.String()
	marker, err := draw(in.Marker, before, string(raw))
	if err != nil {
		return nil, Built{}, err
	}
	user := before + marker + "\n" + string(raw) + "\n" + marker + after
	key, err := encode(still(doc, said))
	if err != nil {
		return nil, Built{}, err
	}
	out := &providers.Prompt{Version: Version, System: System, User: user, Schema: Schema()}
	return out, Built{Document: key, Tokens: tokens(len(System) + len(user)), Input: all, Cut: all.Cut, Canary: Canary}, nil
}

// with completes what was counted before things were left out with what there is now.
func (c Counts) with(now Counts) Counts {
	now.AlertsAll, now.ChecksAll, now.ChecksBad = max(c.AlertsAll, now.AlertsAll), max(c.ChecksAll, now.ChecksAll), max(c.ChecksBad, now.ChecksBad)
	now.Cut = now.Cut || c.Cut
	return now
}

// shown counts what is in a document, and writes it there.
func (c *Counts) shown(d *document) {
	c.Alerts, c.Checks, c.History, c.Changes, c.Runbooks = len(d.Alerts), len(d.Checks), len(d.History), len(d.Changes), len(d.Runbooks)
	d.Counts = &counts{Alerts: c.AlertsAll, AlertsShown: c.Alerts, Checks: c.ChecksAll, ChecksFailed: c.ChecksBad, ChecksShown: c.Checks}
}

// markerForm is what a marker looks like.
const markerForm = "data-0123456789abcdef"

var markers = regexp.MustCompile(`^data-[0-9a-f]{16}$`)

// draw returns a marker that occurs in none of the texts.
func draw(next func() string, texts ...string) (string, error) {
	if next == nil {
		next = atRandom
	}
	const tries = 100 // one is enough unless somebody chooses the markers
	for range tries {
		m := next()
		if !markers.MatchString(m) {
			return "", fmt.Errorf("prompt: %q is no marker: it must look like %s", m, markerForm)
		}
		if !occurs(m, texts) {
			return m, nil
		}
	}
	return "", errors.New("prompt: every marker occurs in the text")
}

func occurs(marker string, texts []string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), strings.TrimPrefix(marker, "data-")) {
			return true
		}
	}
	return false
}

func atRandom() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails: crypto/rand ends the process first
	return "data-" + hex.EncodeToString(b[:])
}
