package parse

import "strings"

// thoughts are the tags between which models think aloud. What they write there are drafts.
var thoughts = [][2]string{
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
	{"<thought>", "</thought>"},
	{"<reasoning>", "</reasoning>"},
	{"<reflection>", "</reflection>"},
	{"<seed:think>", "</seed:think>"},
	{"[think]", "[/think]"},
	{"◁think▷", "◁/think▷"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"},
}

// final begins the answer of models that write in channels.
const final = "<|channel|>final<|message|>"

// afterThought takes the thoughts out of a text. The one that does not end, if there is one, is apart.
func afterThought(s string) (rest, open string) {
	if i := strings.LastIndex(s, final); i >= 0 {
		s = s[i+len(final):]
		if end := strings.Index(s, "<|"); end >= 0 {
			s = s[:end]
		}
	}
	for _, t := range thoughts {
		if i := strings.IndexByte(s, t[0][0]); i >= 0 && open == "" {
			s, open = without(s, t[0], t[1])
		}
	}
	return strings.TrimSpace(s), strings.TrimSpace(open)
}

// without takes out what stands between two tags. An end without a beginning ends a thought that began with the text: some templates write
// the first tag themselves.
func without(s, begin, end string) (rest, open string) {
	low := lower(s)
	var b strings.Builder
	from, to := strings.Index(low, begin), strings.Index(low, end)
	for at := 0; ; {
		switch {
		case to >= 0 && (from < 0 || to < from):
			b.Reset()
			at = to + len(end)
			to = next(low, end, at)
		case from < 0:
			b.WriteString(s[at:])
			return b.String(), ""
		default:
			b.WriteString(s[at:from])
			at = from + len(begin)
			if to < 0 {
				return b.String(), s[at:]
			}
			at = to + len(end)
			from, to = next(low, begin, at), next(low, end, at)
		}
	}
}

// next is the place of what is looked for from at on, -1 for none.
func next(s, what string, at int) int {
	if i := strings.Index(s[at:], what); i >= 0 {
		return at + i
	}
	return -1
}

// lower changes A to Z only, so that places stay the same.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

var refusals = [][]string{
	{"i'm sorry", "i am sorry", "sorry", "i apologize", "i apologise", "unfortunately", "as an ai", "i'm afraid", ""},
	{"can't", "cannot", "can not", "am unable to", "'m unable to", "won't", "will not", "am not able to", "'m not able to"},
	{"help", "assist", "comply", "fulfil", "do that", "answer that", "provide that", "process that", "continue with", "engage"},
}

// declines says whether a text, which holds no answer, is the sentence with which models say no. Not every API marks it.
func declines(s string) bool {
	const longest = 400 // more than that is an answer, whatever it begins with
	if len(s) > longest {
		return false
	}
	s = strings.ReplaceAll(lower(s), "\u2019", "'")
	for _, opening := range refusals[0] {
		rest, ok := strings.CutPrefix(s, opening)
		if !ok {
			continue
		}
		for _, no := range refusals[1] {
			i := strings.Index(rest, "i "+no)
			if strings.HasPrefix(no, "'") {
				i = strings.Index(rest, "i"+no)
			}
			if i < 0 || i > 60 || opening == "" && i > 0 {
				continue
			}
			said := rest[i:]
			for _, what := range refusals[2] {
				if j := strings.Index(said, what); j >= 0 && j < 40 {
					return true
				}
			}
		}
	}
	return false
}
