package web

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/silences"
)

// complain puts a problem beside its field.
func (p *silencePage) complain(problem silences.Problem) {
	field, words := problem.Field, silences.Reword(problem.Message, silenceLabels())
	switch n, line := strings.CutPrefix(field, fieldMatchers+"."); {
	case line:
		field, words = fieldMatchers, "line "+next(n)+": "+problem.Message // it quotes what was typed
	case problem.Message == silences.NoEnd:
		field, words = fieldEnds, "choose when it ends, or give a repetition, whose windows end by themselves"
	case field == "duration", field == "until_resolved":
		field = fieldEnds
	case field == "recurrence":
		field = fieldRule
	}
	if !mend(p.Fields, field, words) && !mend(p.More, field, words) {
		p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("%s: %s", problem.Field, words)))
	}
}

// silenceLabels are the fields of a silence as the form calls them.
func silenceLabels() map[string]string {
	return map[string]string{
		"matchers": "“Matches”", "starts_at": "“Begins”", "ends_at": "“Ends at”", "duration": "a length of time", "unused_for": "“Matched nothing for”",
		"until_resolved": "“Until nothing it matches fires any more”", "recurrence": "repetition", "recurrence.rrule": "“Repeats”",
		"recurrence.duration": "“Length of each window”", "recurrence.timezone": "“Time zone”",
	}
}

// next is the number after n, which counts from 0.
func next(n string) string {
	i, err := strconv.Atoi(n)
	if err != nil {
		return n
	}
	return strconv.Itoa(i + 1)
}
