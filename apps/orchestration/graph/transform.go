package graph

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ErrTransform marks a value that a step of a transform cannot work on.
var ErrTransform = errors.New("cannot transform")

// Transform applies the steps of a transform node to the output of its source node (nil: the node gave none). A path that
// leads nowhere gives nil. The result is a value of its own; the source is not changed.
func Transform(cfg *TransformConfig, source any) (any, error) {
	source = plain(source)
	if source == nil {
		source = map[string]any{}
	}
	value := source
	if cfg.Extract != "" {
		value = lookup(source, cfg.Extract)
	}
	if cfg.FilterPriority != "" {
		value = keep(value, func(item any) bool {
			o, ok := item.(map[string]any)
			return ok && strings.EqualFold(fmt.Sprint(o["priority"]), cfg.FilterPriority)
		})
	}
	if len(cfg.Mapping) > 0 {
		out := make(map[string]any, len(cfg.Mapping))
		for key, path := range cfg.Mapping {
			out[key] = lookup(source, path)
		}
		value = out
	}
	return extend(cfg, value)
}

// extend applies the steps that the first version of the format did not have.
func extend(cfg *TransformConfig, value any) (any, error) {
	if cfg.Filter != nil {
		c, err := compileComparison(cfg.Filter.Op, cfg.Filter.Value, filterOps)
		if err != nil {
			return nil, fmt.Errorf("%w: filter: %s", ErrTransform, err.message)
		}
		value = keep(value, func(item any) bool { return c.any(lookup(item, cfg.Filter.Field)) })
	}
	if list, ok := value.([]any); ok && cfg.SortBy != "" {
		value = sortBy(list, cfg.SortBy)
	}
	if list, ok := value.([]any); ok && cfg.Limit != nil && len(list) > *cfg.Limit {
		value = list[:*cfg.Limit]
	}
	if len(cfg.Set) > 0 {
		var err error
		if value, err = setAll(value, cfg.Set); err != nil {
			return nil, err
		}
	}
	if cfg.Template != "" {
		parts, err := parseTemplate(cfg.Template)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTransform, err)
		}
		return parts.render(value), nil
	}
	return value, nil
}

// lookup follows a dot path; numbers are indexes of lists, "." and "" are the value itself.
func lookup(value any, path string) any {
	if path == "" || path == "." {
		return value
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) || i < -len(v) {
				return nil
			}
			if i < 0 {
				i += len(v)
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// keep filters a list; any other value passes.
func keep(value any, want func(any) bool) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	out := []any{}
	for _, item := range list {
		if want(item) {
			out = append(out, item)
		}
	}
	return out
}

// sortBy sorts a copy, stable. Numbers come before texts, items without the field last, whatever the direction.
func sortBy(list []any, field string) []any {
	field, down := strings.CutPrefix(field, "-")
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b any) int {
		x, y := lookup(a, field), lookup(b, field)
		if x, y := rank(x), rank(y); x != y {
			return cmp.Compare(x, y)
		}
		order, err := compareValues(x, y)
		if err != nil {
			return 0
		}
		if down {
			return -order
		}
		return order
	})
	return out
}

func rank(v any) int {
	if _, ok := toFloat(v); ok {
		return 0
	}
	if _, ok := v.(string); ok {
		return 1
	}
	return 2
}

func setAll(value any, constants map[string]any) (any, error) {
	switch v := value.(type) {
	case nil:
		return plain(constants), nil
	case map[string]any:
		out := make(map[string]any, len(v)+len(constants))
		maps.Copy(out, v)
		for k, e := range constants {
			out[k] = plain(e)
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = setAll(item, constants); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return nil, fmt.Errorf("%w: set needs an object or a list of objects, not %s", ErrTransform, kindOf(v))
	}
}

// template is a parsed transform template: text and paths in turn.
type template []templatePart

type templatePart struct {
	text string
	path string // with text == ""
}

func parseTemplate(s string) (template, error) {
	var out template
	for s != "" {
		before, rest, found := strings.Cut(s, "{{")
		if before != "" {
			out = append(out, templatePart{text: before})
		}
		if !found {
			return out, nil
		}
		path, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, errors.New("the template has {{ without }}")
		}
		path = strings.TrimSpace(path)
		if path == "" || strings.ContainsAny(path, "{} \t\n|") {
			return nil, fmt.Errorf("the template place {{%s}} is not a dot path", clip(path))
		}
		out = append(out, templatePart{path: path})
		s = after
	}
	return out, nil
}

// maxRendered bounds a rendered template, in bytes.
const maxRendered = 1 << 18

func (t template) render(value any) string {
	var b strings.Builder
	for _, p := range t {
		piece := p.text
		if p.path != "" {
			piece = display(lookup(value, p.path))
		}
		if b.Len()+len(piece) > maxRendered {
			b.WriteString(strings.ToValidUTF8(piece[:maxRendered-b.Len()], ""))
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// display renders texts as they are, nothing for nil, and JSON for the rest.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
