package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/providers/llm"
)

// models is the table of language models: what the hub knows of them by itself.
func models(context.Context) (string, error) {
	var b strings.Builder
	b.WriteString("| kind | model | tokens in all | price of a million tokens, in and out | ends | instead |\n|---|---|---|---|---|---|\n")
	last := ""
	for _, m := range llm.Models() {
		kind, name := "", "`"+m.Name+"`"
		if m.Kind != last {
			kind, last, name = "`"+m.Kind+"`", m.Kind, "**"+name+"**"
		}
		window, price, ends, instead := "", "", "", ""
		if m.Window > 0 {
			window = fmt.Sprintf("%d k", m.Window/1000)
		}
		if m.PriceIn > 0 || m.PriceOut > 0 {
			price = fmt.Sprintf("%.2f, %.2f", m.PriceIn, m.PriceOut)
		}
		if !m.Ends.IsZero() {
			ends = m.Ends.Format(time.DateOnly)
		}
		if m.Replacement != "" {
			instead = "`" + m.Replacement + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", kind, name, window, price, ends, instead)
	}
	return b.String(), nil
}
