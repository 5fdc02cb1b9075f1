package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits of a definition's text.
const (
	maxBytes = 1 << 20
	maxDepth = 32
)

// object is a JSON object that remembers the order of its keys. Other values are []any, string, json.Number, bool and nil.
type object struct {
	keys []string
	vals map[string]any
}

// parseTree decodes a JSON document once, with exact numbers. A key given twice is a problem, not a silent overwrite.
func parseTree(raw []byte) (any, []Problem) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, []Problem{problemAt("", "the definition is empty", `start from {"version": "1.0", "nodes": []}`)}
	}
	if len(raw) > maxBytes {
		return nil, []Problem{problemAt("", fmt.Sprintf("the definition has %d bytes, at most %d are accepted", len(raw), maxBytes), "")}
	}
	t := &treeReader{dec: json.NewDecoder(bytes.NewReader(raw))}
	t.dec.UseNumber()
	v, err := t.value("", 0)
	if err == nil {
		if _, more := t.dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more text after the end of the definition")
		}
	}
	if err != nil {
		return nil, append(t.problems, problemAt("", syntaxMessage(raw, t.dec.InputOffset(), err), ""))
	}
	return v, t.problems
}

type treeReader struct {
	dec      *json.Decoder
	problems []Problem
}

func (t *treeReader) value(at string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the definition is nested deeper than %d levels", maxDepth)
	}
	tok, err := t.dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		return t.object(at, depth)
	case json.Delim('['):
		list := []any{}
		for t.dec.More() {
			v, err := t.value(joinIndex(at, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := t.dec.Token()
		return list, err
	}
	return tok, nil
}

func (t *treeReader) object(at string, depth int) (any, error) {
	o := &object{vals: map[string]any{}}
	for t.dec.More() {
		tok, err := t.dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string) // the decoder accepts nothing else here
		here := join(at, key)
		v, err := t.value(here, depth+1)
		if err != nil {
			return nil, err
		}
		if _, twice := o.vals[key]; twice {
			t.problems = append(t.problems, problemAt(here, "the key "+strconv.Quote(clip(key))+" is given twice", "keep one of them"))
		} else {
			o.keys = append(o.keys, key)
		}
		o.vals[key] = v
	}
	_, err := t.dec.Token()
	return o, err
}

func syntaxMessage(raw []byte, offset int64, err error) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	offset = min(max(offset, 0), int64(len(raw)))
	before := raw[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	reason := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		reason = "the text ends too early, a bracket or quote is not closed"
	}
	return fmt.Sprintf("not valid JSON at line %d, column %d: %s", line, max(column, 1), reason)
}

// plain turns a tree into the usual Go values: map[string]any, []any, string, int or float64, bool, nil.
func plain(v any) any {
	switch v := v.(type) {
	case *object:
		m := make(map[string]any, len(v.vals))
		for k, e := range v.vals {
			m[k] = plain(e)
		}
		return m
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = plain(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return list
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return v.String() // out of range: better the digits than a wrong number
		}
		return f
	}
	return v
}

// kindOf names a JSON value for a message.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *object, map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case bool:
		return strconv.FormatBool(v)
	default:
		return "a number"
	}
}
