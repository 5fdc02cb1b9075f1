package providertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checked is a request's body under examination. Paths are written as "messages[0].role".
type checked struct {
	body  map[string]any
	wrong []string
}

// examine looks at what all APIs want alike: a POST of a JSON object to one path, with nothing in the query.
func examine(r Request, path string) *checked {
	c := &checked{}
	if r.Method != "POST" {
		c.say("the method is %s", r.Method)
	}
	if path != "" && r.URL.Path != path {
		c.say("the path is %s, not %s", r.URL.Path, path)
	}
	if r.URL.RawQuery != "" {
		c.say("there is a query in the address")
	}
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		c.say("the content type is %q", got)
	}
	if strings.Contains(string(r.Body), Key) {
		c.say("the key is in the body")
	}
	if err := json.Unmarshal(r.Body, &c.body); err != nil {
		c.say("the body is no JSON object")
	}
	return c
}

func (c *checked) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// at follows a path; nil: there is nothing.
func (c *checked) at(path string) any {
	var v any = c.body
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch of := v.(type) {
		case map[string]any:
			v = of[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(of) {
				return nil
			}
			v = of[i]
		default:
			return nil
		}
	}
	return v
}

// text wants a text that says something, one of the given ones if there are such.
func (c *checked) text(path string, oneOf ...string) {
	s, ok := c.at(path).(string)
	if !ok || strings.TrimSpace(s) == "" {
		c.say("%s is no text", path)
	} else if len(oneOf) > 0 && !slices.Contains(oneOf, s) {
		c.say("%s is %q, not of %s", path, s, strings.Join(oneOf, ", "))
	}
}

// maybeText is text, for what may be left out.
func (c *checked) maybeText(path string, oneOf ...string) {
	if c.at(path) != nil {
		c.text(path, oneOf...)
	}
}

// amount wants a whole number above zero and returns it.
func (c *checked) amount(path string) int {
	f, ok := c.at(path).(float64)
	if !ok || f < 1 || f != float64(int(f)) {
		c.say("%s is no whole number above 0", path)
		return 0
	}
	return int(f)
}

// only says which members of an object the API does not know: it would refuse them.
func (c *checked) only(path string, known ...string) {
	o, _ := c.at(path).(map[string]any)
	for k := range o {
		if !slices.Contains(known, k) {
			c.say("%s is unknown to the API", strings.TrimPrefix(path+"."+k, "."))
		}
	}
}

// schema wants a JSON schema in the words that every API takes: all members required and no others, no limits, no references.
func (c *checked) schema(path string) {
	s, ok := c.at(path).(map[string]any)
	if !ok || len(s) == 0 {
		c.say("%s is no schema", path)
		return
	}
	c.subschema(path, s, 0)
}

func (c *checked) subschema(path string, s map[string]any, depth int) {
	if depth > 20 {
		c.say("%s is too deep", path)
		return
	}
	for _, refused := range []string{
		"$ref", "$defs", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "format", "oneOf", "allOf", "not",
	} {
		if _, there := s[refused]; there {
			c.say("%s has %s", path, refused)
		}
	}
	if s["type"] == "object" && s["additionalProperties"] != false {
		c.say("%s does not forbid other members", path)
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		required, _ := s["required"].([]any)
		for k, inner := range properties {
			if !slices.Contains(required, any(k)) {
				c.say("%s.%s is not required", path, k)
			}
			if o, ok := inner.(map[string]any); ok {
				c.subschema(path+"."+k, o, depth+1)
			}
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		c.subschema(path+"[]", items, depth+1)
	}
	if some, ok := s["anyOf"].([]any); ok {
		for _, inner := range some {
			if o, ok := inner.(map[string]any); ok {
				c.subschema(path, o, depth+1)
			}
		}
	}
}

func body(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return raw
}
