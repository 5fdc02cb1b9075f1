package jinja

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// mostParts of a value are given to templates; the rest is left out.
const mostParts = 20_000

// Plain makes plain data of any value, as JSON sees it: whole numbers are int64, also those that JSON's decoder made into floats. clean is applied
// to every text, keys included; nil leaves them. What is deeper than MaxNesting or has no JSON form is nil.
func Plain(v any, clean func(string) string) any {
	if clean == nil {
		clean = func(s string) string { return s }
	}
	p := plainer{clean: clean, left: mostParts}
	return p.plain(v, 0)
}

type plainer struct {
	clean func(string) string
	left  int
}

func (p *plainer) plain(v any, depth int) any {
	if p.left--; p.left < 0 || depth > MaxNesting {
		return nil
	}
	switch x := v.(type) {
	case nil, bool, int64:
		return x
	case string:
		return p.text(x)
	case int:
		return int64(x)
	case int32:
		return int64(x)
	case float64:
		return wholeOr(x)
	case json.Number:
		return p.number(x)
	case time.Time:
		if x.IsZero() {
			return nil
		}
		return x.UTC().Format(time.RFC3339)
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, item := range x {
			if p.left <= 0 {
				break
			}
			out[p.text(k)] = p.plain(item, depth+1)
		}
		return out
	case map[string]string:
		out := make(map[string]any, len(x))
		for k, s := range x {
			if p.left--; p.left <= 0 {
				break
			}
			out[p.text(k)] = p.text(s)
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for _, item := range x {
			if p.left <= 0 {
				break
			}
			out = append(out, p.plain(item, depth+1))
		}
		return out
	case []string:
		out := make([]any, 0, len(x))
		for _, s := range x {
			if p.left--; p.left <= 0 {
				break
			}
			out = append(out, p.text(s))
		}
		return out
	default:
		return p.encoded(v, depth)
	}
}

func (p *plainer) text(s string) string {
	if len(s) > MaxValue/2 { // a filter takes no more than MaxValue, and cleaning can make it longer
		s = strings.ToValidUTF8(s[:MaxValue/2], "") + "…"
	}
	return p.clean(s)
}

func (p *plainer) number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return p.text(n.String())
}

func wholeOr(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// encoded goes through JSON, which knows every type that has a form.
func (p *plainer) encoded(v any, depth int) any {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil
		}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var plain any
	if dec.Decode(&plain) != nil {
		return nil
	}
	return p.plain(plain, depth)
}
