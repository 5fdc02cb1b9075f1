package intelligence

import (
	"errors"
	"strings"

	"github.com/incidenthub/incidenthub/apps/intelligence/parse"
	"github.com/incidenthub/incidenthub/apps/intelligence/prompt"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/providers"
)

// Why an answer is of no use. Rows say malformed of all of them.
var (
	errNothing = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("nothing in its answer is usable")}
	errEcho    = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("its answer repeats what the alert says")}
	errLeaked  = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("its answer repeats our instructions")}
)

// understand fills Result and Cut of an answer in words, once it has come back, before anybody may see it. The error is of an answer that
// must not be used at all (nothing in it is usable, it repeats the alert, it holds our own instructions): the next rung answers. Canary is a
// sentence of the system text that no answer has a reason to hold; "": there is none. Answers that have a result stay as they are.
func understand(r *providers.Request, answer *providers.Answer, canary string) error {
	if answer.Result != nil {
		return nil
	}
	if canary != "" && strings.Contains(fold(redact.Plain(head(answer.Text, parse.MaxText))), fold(canary)) {
		return errLeaked
	}
	got := parse.Answer(answer.Text, parse.Options{Cut: answer.Cut})
	if got.Nothing {
		return errNothing
	}
	texts := textsOf(got)
	if all := strings.Join(texts, "\n"); prompt.Leaked(all) || canary != "" && strings.Contains(fold(redact.Plain(all)), fold(canary)) {
		return errLeaked
	}
	if foreign(r.Incident, &r.Evidence, r.Hint, r.Context).holdsAll(texts) {
		return errEcho
	}
	answer.Result, answer.Cut = got.Result, got.Truncated
	return nil
}

// textsOf are the texts of an answer that are the model's own.
func textsOf(o parse.Outcome) []string {
	r := o.Result
	if o.TextOnly {
		return []string{r.Recommendations[0].Description}
	}
	var out []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" && t != untitled {
				out = append(out, t)
			}
		}
	}
	add(r.Summary, r.ProbableCause)
	for _, one := range r.Recommendations {
		add(one.Title, one.Description)
		add(one.Actions...)
	}
	return out
}

func head(s string, n int) string { return s[:min(len(s), n)] }
