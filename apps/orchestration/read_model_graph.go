package orchestration

import "github.com/incidenthub/incidenthub/apps/orchestration/graph"

// What doors see of the graph engine, which they do not import.
type (
	// LintProblem is one finding of the lint.
	LintProblem = graph.Problem
	// Drawing is a graph placed for a picture.
	Drawing = graph.Drawing
	// NodeSpec describes a node kind.
	NodeSpec = graph.NodeSpec
)

// NodeKinds returns the built-in node kinds without checking any name: enough to read and draw what is stored.
func NodeKinds() []NodeSpec { return graph.Builtin(graph.Known{}) }

// DefinitionSchema is the JSON Schema of definitions made of these kinds.
func DefinitionSchema(kinds []NodeSpec) ([]byte, error) { return graph.Schema(kinds) }
