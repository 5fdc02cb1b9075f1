package graph

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The comparison words of trigger.match and of transform filters.
const (
	opIs         = "is"
	opIsNot      = "is-not"
	opIn         = "in"
	opNotIn      = "not-in"
	opMatches    = "matches"
	opNotMatches = "not-matches"
	opContains   = "contains"
	opGt         = "gt"
	opGte        = "gte"
	opLt         = "lt"
	opLte        = "lte"
)

func matchOps() []string { return []string{opIs, opIsNot, opIn, opNotIn, opMatches, opNotMatches} }

func filterOps() []string {
	return []string{opIs, opIsNot, opIn, opNotIn, opContains, opMatches, opNotMatches, opGt, opGte, opLt, opLte}
}

// comparison is a compiled op and value. It is safe for concurrent use.
type comparison struct {
	op    string
	value any
	list  []any
	words []string // value or list as text
	re    *regexp.Regexp
}

// comparisonError names the key ("op" or "value") that is wrong.
type comparisonError struct{ key, message, suggestion string }

func (e *comparisonError) at(pointer string) Problem {
	return problemAt(join(pointer, e.key), e.message, e.suggestion)
}

func checkComparison(op string, value any, ops func() []string) *comparisonError {
	_, err := compileComparison(op, value, ops)
	return err
}

func compileComparison(op string, value any, ops func() []string) (*comparison, *comparisonError) {
	c := &comparison{op: op, value: plain(value)}
	switch {
	case op == "":
		return nil, &comparisonError{"op", `"op" is missing`, "available: " + quoteAll(ops())}
	case !slices.Contains(ops(), op):
		return nil, &comparisonError{"op", "unknown op " + quoteAll([]string{op}), didYouMean(op, ops())}
	case value == nil:
		return nil, &comparisonError{"value", `"value" is missing`, ""}
	}
	list, isList := c.value.([]any)
	switch op {
	case opIn, opNotIn:
		if !isList {
			return nil, &comparisonError{"value", strconv.Quote(op) + " needs a list, not " + kindOf(value), `write it in brackets, or use "is"`}
		}
		if len(list) == 0 {
			return nil, &comparisonError{"value", "the list is empty", ""}
		}
		c.list = list
	case opMatches, opNotMatches:
		text, ok := c.value.(string)
		if !ok {
			return nil, &comparisonError{"value", strconv.Quote(op) + " needs a regular expression as text, not " + kindOf(value), ""}
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, &comparisonError{"value", "bad regular expression: " + regexpReason(err), ""}
		}
		c.re = re
	default:
		if isList {
			return nil, &comparisonError{"value", strconv.Quote(op) + " needs a single value, not a list", `use "in" for a list`}
		}
	}
	if !isList {
		list = []any{c.value}
	}
	for _, v := range list {
		c.words = append(c.words, fmt.Sprint(v))
	}
	return c, nil
}

func regexpReason(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

// text compares a text; numbers and booleans in the definition are compared as written.
func (c *comparison) text(got string) bool {
	switch c.op {
	case opIs, opIn:
		return slices.Contains(c.words, got)
	case opIsNot, opNotIn:
		return !slices.Contains(c.words, got)
	case opMatches:
		return c.re.MatchString(got)
	case opNotMatches:
		return !c.re.MatchString(got)
	default:
		return false
	}
}

// any compares a JSON value. A missing value (nil) equals nothing and is less than nothing.
func (c *comparison) any(got any) bool {
	switch c.op {
	case opIs:
		return equalValues(got, c.value)
	case opIsNot:
		return !equalValues(got, c.value)
	case opIn, opNotIn:
		found := slices.ContainsFunc(c.list, func(v any) bool { return equalValues(got, v) })
		return found == (c.op == opIn)
	case opContains:
		if list, ok := got.([]any); ok {
			return slices.ContainsFunc(list, func(v any) bool { return equalValues(v, c.value) })
		}
		text, ok := got.(string)
		return ok && strings.Contains(text, fmt.Sprint(c.value))
	case opMatches, opNotMatches:
		text, ok := got.(string)
		return ok && c.re.MatchString(text) == (c.op == opMatches)
	}
	order, err := compareValues(got, c.value)
	if err != nil {
		return false
	}
	switch c.op {
	case opGt:
		return order > 0
	case opGte:
		return order >= 0
	case opLt:
		return order < 0
	default:
		return order <= 0
	}
}

func equalValues(a, b any) bool {
	x, okX := toFloat(a)
	y, okY := toFloat(b)
	if okX && okY {
		return x == y
	}
	return reflect.DeepEqual(a, b)
}

var errNotComparable = errors.New("values of different kinds have no order")

// compareValues orders two numbers, two priority or severity words by weight, or two texts.
func compareValues(a, b any) (int, error) {
	if x, ok := toFloat(a); ok {
		if y, ok := toFloat(b); ok {
			switch {
			case x < y:
				return -1, nil
			case x > y:
				return 1, nil
			default:
				return 0, nil
			}
		}
		return 0, errNotComparable
	}
	x, okX := a.(string)
	y, okY := b.(string)
	if !okX || !okY {
		return 0, errNotComparable
	}
	if wx, wy := weight(x), weight(y); wx > 0 && wy > 0 {
		return wx - wy, nil
	}
	return strings.Compare(x, y), nil
}

// weight ranks the words of priorities and severities, 0 for any other word.
func weight(word string) int {
	switch strings.ToLower(word) {
	case "critical":
		return 5
	case "high":
		return 4
	case "warning", "medium":
		return 3
	case "low":
		return 2
	case "info":
		return 1
	default:
		return 0
	}
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}
