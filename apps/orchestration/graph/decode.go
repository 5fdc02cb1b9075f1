package graph

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// decoder fills Go values from a tree, strictly, and goes on after each problem, so that one pass finds them all.
type decoder struct{ problems []Problem }

// treeDecoder is implemented by types with more than one spelling (a list or a single value).
type treeDecoder interface {
	fromTree(d *decoder, at string, v any)
}

func (d *decoder) problem(at, message, suggestion string) {
	d.problems = append(d.problems, problemAt(at, message, suggestion))
}

// decode stores v into the value that `into` points to. JSON null leaves it untouched.
func (d *decoder) decode(at string, v any, into reflect.Value) {
	if v == nil {
		return
	}
	if into.CanAddr() {
		if td, ok := reflect.TypeAssert[treeDecoder](into.Addr()); ok {
			td.fromTree(d, at, v)
			return
		}
	}
	switch into.Kind() {
	case reflect.Pointer:
		before, e := len(d.problems), reflect.New(into.Type().Elem())
		if d.decode(at, v, e.Elem()); len(d.problems) == before {
			into.Set(e)
		}
	case reflect.Struct:
		d.object(at, v, into)
	case reflect.Slice:
		d.list(at, v, into)
	case reflect.Map:
		d.mapping(at, v, into)
	case reflect.Interface:
		into.Set(reflect.ValueOf(plain(v)))
	case reflect.String:
		if s, ok := v.(string); ok {
			into.SetString(s)
		} else {
			d.mismatch(at, "text", v)
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			into.SetBool(b)
		} else {
			d.mismatch(at, "true or false", v)
		}
	case reflect.Int:
		d.integer(at, v, into)
	case reflect.Float64:
		f, ok := number(v)
		if !ok {
			d.mismatch(at, "a number", v)
			return
		}
		into.SetFloat(f)
	default:
		d.problem(at, "this field cannot be read ("+into.Kind().String()+")", "")
	}
}

func (d *decoder) mismatch(at, want string, got any) {
	suggestion := ""
	if s, ok := got.(string); ok && want != "text" && (s == "true" || s == "false" || isNumeric(s)) {
		suggestion = "write it without quotes: " + s
	}
	d.problem(at, strconv.Quote(lastStep(at))+" must be "+want+", not "+kindOf(got), suggestion)
}

func (d *decoder) integer(at string, v any, into reflect.Value) {
	f, ok := number(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		if ok {
			d.problem(at, strconv.Quote(lastStep(at))+" must be a whole number", "")
			return
		}
		d.mismatch(at, "a whole number", v)
		return
	}
	into.SetInt(int64(f))
}

func (d *decoder) list(at string, v any, into reflect.Value) {
	items, ok := v.([]any)
	if !ok {
		d.mismatch(at, "a list", v)
		return
	}
	out := reflect.MakeSlice(into.Type(), len(items), len(items))
	for i, item := range items {
		if item == nil {
			d.mismatch(joinIndex(at, i), "a value", nil)
			continue
		}
		d.decode(joinIndex(at, i), item, out.Index(i))
	}
	into.Set(out)
}

func (d *decoder) mapping(at string, v any, into reflect.Value) {
	o, ok := v.(*object)
	if !ok {
		d.mismatch(at, "an object", v)
		return
	}
	out := reflect.MakeMapWithSize(into.Type(), len(o.keys))
	for _, k := range o.keys {
		e := reflect.New(into.Type().Elem()).Elem()
		d.decode(join(at, k), o.vals[k], e)
		out.SetMapIndex(reflect.ValueOf(k), e)
	}
	into.Set(out)
}

func (d *decoder) object(at string, v any, into reflect.Value) {
	o, ok := v.(*object)
	if !ok {
		if at == "" {
			d.problem(at, "the definition must be a JSON object, not "+kindOf(v), "")
		} else {
			d.mismatch(at, "an object", v)
		}
		return
	}
	fields := fieldsOf(into.Type())
	for _, k := range o.keys {
		i, known := fields.index[k]
		if !known {
			d.problem(join(at, k), "unknown key "+strconv.Quote(clip(k)), didYouMean(k, fields.names))
			continue
		}
		d.decode(join(at, k), o.vals[k], into.Field(i))
	}
}

type fieldTable struct {
	names []string
	index map[string]int
}

func fieldsOf(t reflect.Type) fieldTable {
	f := fieldTable{index: map[string]int{}}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" || !t.Field(i).IsExported() {
			continue
		}
		f.names = append(f.names, name)
		f.index[name] = i
	}
	return f
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func isNumeric(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// lastStep is the key (or "item 3") that a pointer ends in.
func lastStep(pointer string) string {
	step := pointer[strings.LastIndexByte(pointer, '/')+1:]
	step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	if _, err := strconv.Atoi(step); err == nil && strings.Count(pointer, "/") > 1 {
		rest := pointer[:strings.LastIndexByte(pointer, '/')]
		return lastStep(rest) + "[" + step + "]"
	}
	return clip(step)
}
