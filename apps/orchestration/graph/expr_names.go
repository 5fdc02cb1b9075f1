package graph

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// Names that triggers may read: what is known of an observation before it is folded.
func triggerNames(incident bool) []string {
	names := []string{"alert", "labels", "severity", "status", "source", "entry", "origin", "instance", "name", "now"}
	if incident {
		names = append(names, "incident", "event")
	}
	return names
}

// Names that nodes and edges may read, besides the ids of the nodes.
func nodeNames() []string {
	return []string{
		"alert", "alerts", "incident", "labels", "severity", "status", "source", "entry", "origin", "instance", "name", "run", "nodes", "now",
	}
}

// functionNames are the functions of the language that stay.
func functionNames() []string {
	return []string{
		"all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum", "len",
		"type", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "upper", "lower", "split", "indexOf",
		"lastIndexOf", "hasPrefix", "hasSuffix", "min", "max", "duration", "date", "timezone", "first", "last", "get", "take",
		"keys", "values",
	}
}

// nameTaken reports whether an expression reads the word as something else than the output of a node.
func nameTaken(word string) bool {
	keywords := []string{"and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith", "let", "if", "else", "true", "false", "nil"}
	return slices.Contains(nodeNames(), word) || slices.Contains(functionNames(), word) || slices.Contains(keywords, word)
}

// nameVisitor collects the root names of an expression.
type nameVisitor struct {
	seen     []*ast.IdentifierNode
	callees  []*ast.IdentifierNode
	nodes    []string // ids read as nodes.<id>
	declared map[string]bool
	err      error
}

// Visit implements ast.Visitor.
func (v *nameVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.seen = append(v.seen, n)
	case *ast.VariableDeclaratorNode:
		v.declared[n.Name] = true
	case *ast.MemberNode:
		root, isRoot := n.Node.(*ast.IdentifierNode)
		id, isName := n.Property.(*ast.StringNode)
		if isRoot && isName && root.Value == "nodes" && !slices.Contains(v.nodes, id.Value) {
			v.nodes = append(v.nodes, id.Value)
		}
	case *ast.BuiltinNode: // the parser knows some functions whether they are disabled or not
		v.function(n.Name)
	case *ast.CallNode:
		id, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			return
		}
		v.callees = append(v.callees, id)
		v.function(id.Value)
	}
}

func (v *nameVisitor) function(name string) {
	if !slices.Contains(functionNames(), name) && v.err == nil {
		v.err = fmt.Errorf("unknown function %q%s", name, functionHint(name))
	}
}

func functionHint(name string) string {
	if name == "now" {
		return `; now is a value: write now, or now.Hour()`
	}
	if meant := near.Word(name, functionNames()); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	return ""
}

// roots returns the names read from the environment, each once, in order.
func (v *nameVisitor) roots() []string {
	var out []string
	for _, id := range v.seen {
		if strings.HasPrefix(id.Value, "#") || v.declared[id.Value] || slices.Contains(v.callees, id) || slices.Contains(out, id.Value) {
			continue
		}
		out = append(out, id.Value)
	}
	return out
}

// hasErrorsPattern is the older form of skip_if_condition; ids may hold dashes there, which an expression would subtract.
var hasErrorsPattern = regexp.MustCompile(`^\s*([A-Za-z0-9][A-Za-z0-9_-]*)\.has_errors\s*$`)

func hasErrorsForm(s string) (id string, ok bool) {
	m := hasErrorsPattern.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	return m[1], true
}
