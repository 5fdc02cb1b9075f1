package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/internal/platform/near"
)

// mediaJSON is what bodies are described as.
const mediaJSON = "application/json"

// ofTheAnswer describes a key of a body that only the hub sets.
const ofTheAnswer = "Set by the hub. It may be sent back as it was read, and is ignored."

// Limits of what an answer says about keys that are not known.
const (
	maxUnknownKeys = 50
	maxUnknownKey  = 100 // characters
)

// tighten makes the document say that bodies have no other keys than those described, and lets them have what the hub sets itself, so that
// what was read can be changed and sent back. It is called once, when all operations are there.
func tighten(doc *huma.OpenAPI) {
	reg := doc.Components.Schemas
	seen := map[*huma.Schema]bool{}
	for path, item := range doc.Paths {
		for _, o := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			body := bodySchema(reg, o)
			if body == nil {
				continue
			}
			closeSchema(reg, body, seen)
			view := viewSchema(reg, doc.Paths, path, o)
			if view == nil || body.Properties == nil {
				continue
			}
			for name := range view.Properties {
				if body.Properties[name] == nil {
					body.Properties[name] = &huma.Schema{ReadOnly: true, Description: ofTheAnswer}
				}
			}
		}
	}
}

// bodySchema is what an operation takes, nil when that is nothing or not described.
func bodySchema(reg huma.Registry, o *huma.Operation) *huma.Schema {
	if o == nil || o.RequestBody == nil || o.RequestBody.Content[mediaJSON] == nil {
		return nil
	}
	return plainSchema(reg, o.RequestBody.Content[mediaJSON].Schema)
}

// viewSchema is what is read of what an operation writes: its own answer when it makes or changes something, and for a preview that of making it.
func viewSchema(reg huma.Registry, paths map[string]*huma.PathItem, path string, o *huma.Operation) *huma.Schema {
	status := http.StatusOK
	if o.Method == http.MethodPost {
		if strings.Contains(path, "{") {
			return nil
		}
		status = http.StatusCreated
		if of, ok := strings.CutSuffix(path, "/preview"); ok {
			if paths[of] == nil || paths[of].Post == nil {
				return nil
			}
			o = paths[of].Post
		}
	}
	r := o.Responses[strconv.Itoa(status)]
	if r == nil || r.Content[mediaJSON] == nil {
		return nil
	}
	return plainSchema(reg, r.Content[mediaJSON].Schema)
}

// plainSchema follows a reference.
func plainSchema(reg huma.Registry, s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	return s
}

// closeSchema forbids other keys in a schema and in all below it.
func closeSchema(reg huma.Registry, s *huma.Schema, seen map[*huma.Schema]bool) {
	if s = plainSchema(reg, s); s == nil || seen[s] {
		return
	}
	seen[s] = true
	if open, isSet := s.AdditionalProperties.(bool); len(s.Properties) > 0 && (s.AdditionalProperties == nil || isSet && open) {
		s.AdditionalProperties = false
	}
	for _, p := range s.Properties {
		closeSchema(reg, p, seen)
	}
	closeSchema(reg, s.Items, seen)
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		closeSchema(reg, values, seen)
	}
}

// unknownKeys finds the keys of a value that its schema does not have, however deep. Upper and lower case are alike, as they are to who decodes it.
func unknownKeys(reg huma.Registry, s *huma.Schema, v any, pointer string) []Detail {
	s = plainSchema(reg, s)
	if s == nil {
		return nil
	}
	var found []Detail
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			found = append(found, unknownKeys(reg, s.Items, one, pointer+"/"+strconv.Itoa(i))...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below, known := property(s, key)
			switch open, isSet := s.AdditionalProperties.(bool); {
			case known:
				found = append(found, unknownKeys(reg, below, v[key], pointer+pointerTo(key))...)
			case isSet && !open:
				found = append(found, unknownKey(s, key, pointer))
			default:
				values, _ := s.AdditionalProperties.(*huma.Schema)
				found = append(found, unknownKeys(reg, values, v[key], pointer+pointerTo(key))...)
			}
		}
	}
	return found[:min(len(found), maxUnknownKeys)]
}

// property is the schema of a key, nil for one that is known and ignored.
func property(s *huma.Schema, key string) (below *huma.Schema, known bool) {
	below, known = s.Properties[key]
	for name, p := range s.Properties {
		if !known && strings.EqualFold(name, key) {
			below, known = p, true
		}
	}
	if known && below.ReadOnly {
		below = nil
	}
	return below, known
}

// unknownKey says which key there is not, which there are, and which was probably meant.
func unknownKey(s *huma.Schema, key, pointer string) Detail {
	names := settable(s)
	d := Detail{Message: "is unknown; known are " + strings.Join(names, ", "), Pointer: pointer + pointerTo(key)}
	if n := len([]rune(key)); n > maxUnknownKey {
		d.Message, d.Pointer = fmt.Sprintf("has a key of %d characters that is unknown; known are %s", n, strings.Join(names, ", ")), pointer
	}
	if meant := near.Word(key, names); meant != "" {
		d.Suggestion = "did you mean " + strconv.Quote(meant) + "?"
	}
	return d
}

// settable are the keys that a caller can set, by name.
func settable(s *huma.Schema) []string {
	var names []string
	for name, p := range s.Properties {
		if !p.ReadOnly {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
