package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/config"
)

// part is one generated piece of Markdown.
type part struct {
	text string
	used int
}

// makeParts makes every generated part, by name.
func makeParts(ctx context.Context) (map[string]*part, error) {
	out := map[string]*part{"settings": {text: config.Docs()}}
	for name, get := range map[string]func(context.Context) (string, error){
		"commands": commands, "routes": routes, "format": format, "nodes": kinds, "models": models,
	} {
		text, err := get(ctx)
		if err != nil {
			return nil, fmt.Errorf("make the part %q: %w", name, err)
		}
		out[name] = &part{text: text}
	}
	return out, nil
}

const note = "written by make generate"

var (
	begins = regexp.MustCompile(`^<!-- begin ([a-z]+): ` + note + ` -->$`)
	ends   = regexp.MustCompile(`^<!-- end ([a-z]+) -->$`)
)

// fill replaces what stands between the marks of a page.
func fill(old []byte, parts map[string]*part) ([]byte, error) {
	var out bytes.Buffer
	inside := ""
	for line := range strings.Lines(string(old)) {
		bare := strings.TrimRight(line, "\r\n")
		if m := ends.FindStringSubmatch(bare); m != nil {
			if m[1] != inside {
				return nil, fmt.Errorf("%q ends what it does not begin", bare)
			}
			inside = ""
		}
		if inside != "" {
			continue
		}
		out.WriteString(line)
		if m := begins.FindStringSubmatch(bare); m != nil {
			p := parts[m[1]]
			if p == nil {
				return nil, fmt.Errorf("there is no part %q", m[1])
			}
			inside = m[1]
			p.used++
			out.WriteString("\n" + strings.TrimSpace(p.text) + "\n\n")
		}
	}
	if inside != "" {
		return nil, fmt.Errorf("the end of part %q is missing", inside)
	}
	return out.Bytes(), nil
}

// cell makes a text fit into a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "__", `\_\_`).Replace(strings.Join(strings.Fields(s), " "))
}

// row is one line of a table.
func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + cell(c) + " ")
	}
	b.WriteString("|\n")
}

// head begins a table.
func head(b *strings.Builder, cells ...string) {
	row(b, cells...)
	b.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
}
