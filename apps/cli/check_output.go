package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// terminal reports whether output goes to one that shows colours.
func (p *Program) terminal() bool {
	f, ok := p.Out.(*os.File)
	if !ok || p.Getenv("NO_COLOR") != "" || p.Getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// paint returns what colours a text by a status, on terminals.
func (p *Program) paint() func(checkers.Status, string) string {
	if !p.terminal() {
		return func(_ checkers.Status, s string) string { return s }
	}
	colours := map[checkers.Status]string{checkers.OK: "32", checkers.Warning: "33", checkers.Critical: "1;31", checkers.Unknown: "35"}
	return func(status checkers.Status, s string) string { return "\x1b[" + colours[status] + "m" + s + "\x1b[0m" }
}

// hang prints a text behind a head that is indent columns wide. On a terminal it goes on below itself instead of below the head; elsewhere
// it stays on its line, for whoever searches in it.
func (p *Program) hang(head string, indent int, text string) {
	if !p.terminal() {
		p.say("%s%s", head, text)
		return
	}
	width, err := strconv.Atoi(p.Getenv("COLUMNS"))
	if err != nil || width < indent+30 {
		width = max(100, indent+30)
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width-indent {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	lines = append(lines, line)
	p.say("%s%s", head, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
}

// metricLines writes metrics one below the other; what is in a list or an object as JSON.
func metricLines(metrics map[string]any) string {
	width := 0
	for name := range metrics {
		width = max(width, utf8.RuneCountInString(name))
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		value := fmt.Sprint(metrics[name])
		switch v := metrics[name].(type) {
		case float64:
			value = strconv.FormatFloat(v, 'f', -1, 64)
		case string, bool, int, int64, uint64:
		default:
			if raw, err := json.Marshal(v); err == nil {
				value = string(raw)
			}
		}
		fmt.Fprintf(&b, "%-*s  %s\n", width, name, cut(value, 200))
	}
	return b.String()
}
