package apply

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits of a file: far more than people write, and little enough that a hostile one costs nothing.
const (
	maxBytes = 1 << 20
	maxDepth = 100
)

// parseTree reads YAML and refuses what the format does not need: several documents, anchors, aliases, tags, merge keys; keys
// given twice are no YAML to the parser. It returns nil without problems for an empty file.
func parseTree(raw []byte, p *Problems) ast.Node {
	if len(raw) > maxBytes {
		p.add(Problem{Message: fmt.Sprintf("the file has %d bytes, at most %d are accepted", len(raw), maxBytes)})
		return nil
	}
	if line := tooDeep(raw); line > 0 {
		p.add(Problem{Line: line, Message: fmt.Sprintf("nested deeper than %d levels", maxDepth)})
		return nil
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		p.add(syntaxProblem(err))
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			p.add(Problem{Line: lineOf(doc.Body), Message: "the file holds several documents; keep one"})
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		return nil
	}
	refuse(body, p, 0)
	return body
}

// tooDeep is a rough look at brackets and dashes before the parser meets them: it goes as deep as the text does.
func tooDeep(raw []byte) (line int) {
	depth, dashes, line := 0, 0, 1
	for _, c := range raw {
		switch c {
		case '\n':
			line++
			dashes = 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?':
			dashes++
		case ' ':
		default:
			dashes = 0
		}
		if depth > maxDepth || dashes > maxDepth {
			return line
		}
	}
	return 0
}

func syntaxProblem(err error) Problem {
	if ye, ok := errors.AsType[yaml.Error](err); ok {
		p := Problem{Message: "not valid YAML: " + ye.GetMessage()}
		if t := ye.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
		return p
	}
	return Problem{Message: "not valid YAML"} // other errors quote the text, which may hold secrets
}

func refuse(n ast.Node, p *Problems, depth int) {
	if depth > maxDepth {
		p.add(Problem{Line: lineOf(n), Message: fmt.Sprintf("nested deeper than %d levels", maxDepth)})
		return
	}
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		p.add(Problem{Line: lineOf(n), Message: "anchors and aliases are not accepted; write the value out"})
	case *ast.TagNode:
		p.add(Problem{Line: lineOf(n), Message: "tags are not accepted; write the plain value"})
	case *ast.SequenceNode:
		for _, v := range n.Values {
			refuse(v, p, depth+1)
		}
	case *ast.MappingNode, *ast.MappingValueNode:
		for _, e := range pairs(n) {
			if e.name == "" {
				p.add(Problem{Line: e.line, Message: "a key must be plain text"})
			}
			refuse(e.value, p, depth+1)
		}
	}
}

// pair is one key of a mapping. name is "" for keys that are not plain.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs returns the keys of a mapping in order; nil for anything else.
func pairs(n ast.Node) []pair {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	out := make([]pair, 0, len(values))
	for _, v := range values {
		e := pair{line: lineOf(v.Key), value: v.Value}
		switch k := v.Key.(type) {
		case *ast.StringNode:
			e.name = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			e.name = k.GetToken().Value
		}
		out = append(out, e)
	}
	return out
}

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if values := pairs(n); len(values) > 0 {
		return values[0].line
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// plain turns a node into the values that encoding/json knows. expand is called on every text.
func plain(n ast.Node, p *Problems, expand func(text string, line int) string) any {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.StringNode:
		return expand(n.Value, lineOf(n))
	case *ast.LiteralNode:
		return expand(n.Value.Value, lineOf(n))
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		if math.IsInf(n.Value, 0) || math.IsNaN(n.Value) {
			break
		}
		return n.Value
	case *ast.SequenceNode:
		out := make([]any, len(n.Values))
		for i, v := range n.Values {
			out[i] = plain(v, p, expand)
		}
		return out
	case *ast.MappingNode, *ast.MappingValueNode:
		out := map[string]any{}
		for _, e := range pairs(n) {
			out[e.name] = plain(e.value, p, expand)
		}
		return out
	}
	p.add(Problem{Line: lineOf(n), Message: "this value is not accepted; write text, a number, true or false"})
	return nil
}

// find returns the line of what a JSON pointer names inside a node, or of the nearest thing around it.
func find(n ast.Node, line int, pointer string) int {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		var next ast.Node
		if s, ok := n.(*ast.SequenceNode); ok {
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(s.Values) {
				next = s.Values[i]
				line = lineOf(next)
			}
		}
		for _, e := range pairs(n) {
			if e.name == step {
				next, line = e.value, e.line
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return line
}

func clip(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
