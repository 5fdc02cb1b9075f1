package intelligence

import (
	"github.com/incidenthub/incidenthub/apps/intelligence/parse"
	"github.com/incidenthub/incidenthub/apps/intelligence/prompt"
	"github.com/incidenthub/incidenthub/providers"
)

// Through returns an analyzer like this one that asks what wrap makes of its providers: to measure them, or to have recorded answers
// given again.
func (a *Analyzer) Through(wrap func(Providers) Providers) *Analyzer {
	other := *a
	other.providers = wrap(a.providers)
	return &other
}

// PromptVersion is the version of the prompt that this release asks with.
const PromptVersion = prompt.Version

// Claims is what the text of an answer says before anything is taken out of it; nil: nothing that can be used. It is for counting, not for
// showing.
func Claims(text string, cut bool) *providers.Result {
	return parse.Answer(text, parse.Options{Cut: cut}).Result
}
