package orchestration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Limits of a DefinitionInput, in characters or items.
const (
	maxDefinitionText = 1000
	maxTags           = 20
	maxTag            = 50
)

var definitionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$`)

// clean trims words and brings the config into the form that is stored.
func (in DefinitionInput) clean() DefinitionInput {
	in.Name, in.Description = strings.TrimSpace(in.Name), strings.TrimSpace(in.Description)
	if canonical, err := canonicalJSON(in.Config); err == nil {
		in.Config = canonical
	}
	if in.Description == "" {
		var head struct {
			Description string `json:"description"`
		}
		if json.Unmarshal(in.Config, &head) == nil {
			in.Description = strings.TrimSpace(head.Description)
		}
	}
	if in.Tags == nil {
		in.Tags = []string{}
	}
	return in
}

// check returns every problem of the fields and of the config.
func (in DefinitionInput) check(specs []graph.NodeSpec) error {
	var problems []graph.Problem
	add := func(pointer, message string) {
		problems = append(problems, graph.Problem{Pointer: pointer, Message: message, Severity: graph.SeverityError})
	}
	if !definitionName.MatchString(in.Name) {
		add("/name", "use 1 to 100 letters, digits, spaces, dots, underscores and hyphens, beginning with a letter or digit")
	} else if _, err := id.Parse(in.Name); err == nil {
		add("/name", "this looks like an id; choose a name that people can tell from one")
	}
	if why := badText(in.Description, maxDefinitionText); why != "" {
		add("/description", why)
	}
	if why := badText(in.By, maxDefinitionText); why != "" {
		add("/created_by", why)
	}
	if len(in.Tags) > maxTags {
		add("/tags", fmt.Sprintf("use at most %d tags", maxTags))
	}
	for i, tag := range in.Tags {
		if why := badText(tag, maxTag); why != "" || strings.TrimSpace(tag) == "" {
			add(fmt.Sprintf("/tags/%d", i), fmt.Sprintf("a tag has 1 to %d printable characters", maxTag))
		}
	}
	for _, p := range lintDefinition(in.Config, specs) {
		p.Pointer = "/config" + p.Pointer
		problems = append(problems, p)
	}
	if graph.HasErrors(problems) {
		return &InvalidDefinition{Problems: problems}
	}
	return nil
}

func badText(s string, limit int) string {
	switch {
	case utf8.RuneCountInString(s) > limit:
		return fmt.Sprintf("use at most %d characters", limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return "remove control characters and invalid UTF-8"
	}
	return ""
}

// Problem is one finding of the lint.
type Problem = graph.Problem

// Known holds the names that definitions may use; a nil list is not checked.
type Known = graph.Known

// Lint returns every problem of a definition's text without a database, warnings too, with pointers into that text.
func Lint(raw []byte, known Known) []Problem { return lintDefinition(raw, graph.Builtin(known)) }

// HasErrors reports whether one of the problems keeps a definition from being saved.
func HasErrors(problems []Problem) bool { return graph.HasErrors(problems) }

// lintDefinition adds to the lint what the database cannot keep.
func lintDefinition(raw []byte, specs []graph.NodeSpec) []graph.Problem {
	problems := append(graph.Lint(raw, specs), notServed(raw)...)
	var tree any
	if json.Unmarshal(raw, &tree) == nil && holdsNUL(tree) {
		problems = append(problems, graph.Problem{Message: `the character \u0000 is not allowed in any text; remove it`, Severity: graph.SeverityError})
	}
	return problems
}

func holdsNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		return slices.ContainsFunc(v, holdsNUL)
	case map[string]any:
		for k, e := range v {
			if strings.ContainsRune(k, 0) || holdsNUL(e) {
				return true
			}
		}
	}
	return false
}

// canonicalJSON sorts keys, drops white space and repairs broken UTF-8 and surrogates: Postgres stores documents much like
// this, and so both engines give back the same text. Numbers keep their digits.
func canonicalJSON(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more text after the document")
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// SameConfig reports whether two definitions mean the same document, whatever their white space, key order and spelling of
// numbers.
func SameConfig(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
