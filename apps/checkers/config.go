package checkers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Seconds is a time in settings: 1.5, "1.5", "1500ms", "2m".
type Seconds float64

// Duration of it.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(raw []byte) error {
	text, quoted := unquote(raw)
	if v, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(v) <= maxSeconds {
		*s = Seconds(v)
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil && quoted {
		*s = Seconds(d.Seconds())
		return nil
	}
	return errors.New(`want seconds, or a text such as "500ms" or "2m"`)
}

// maxSeconds fits into a time.Duration.
const maxSeconds = 1e9

// Number is a number in settings: 5, 5.5, "5.5".
type Number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(raw []byte) error {
	text, _ := unquote(raw)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return errors.New("want a number")
	}
	*n = Number(v)
	return nil
}

// Count is a whole number in settings: 5, 5.0, "5".
type Count int

// UnmarshalJSON implements json.Unmarshaler.
func (c *Count) UnmarshalJSON(raw []byte) error {
	var n Number
	if n.UnmarshalJSON(raw) != nil || float64(n) != math.Trunc(float64(n)) || math.Abs(float64(n)) > 1e9 {
		return errors.New("want a whole number")
	}
	*c = Count(n)
	return nil
}

// Texts is a list of texts in settings: ["a", "b"], or one text "a, b".
type Texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Texts) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		text, quoted := unquote(raw)
		if !quoted {
			return errors.New("want a list of texts")
		}
		list = strings.Split(text, ",")
	}
	out := Texts{}
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	*t = out
	return nil
}

func unquote(raw []byte) (text string, quoted bool) {
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text), true
	}
	return string(raw), false
}

// Validator is implemented by (pointers to) structs of settings whose values have bounds. Its error names the setting.
type Validator interface{ Validate() error }

// Settings reads a check's settings over its defaults; see Decode.
func Settings[T any](in Input, defaults T) (T, error) {
	err := Decode(in.Config, &defaults)
	return defaults, err
}

// Decode reads settings into a struct that holds their defaults. It is strict: a key that no field of into has as its JSON name is an
// error that lists the known ones, as is a value of the wrong kind. null keeps the default; lists replace it. At the end into is asked
// whether it is valid, if it is a Validator.
func Decode(raw json.RawMessage, into any) error {
	v := reflect.ValueOf(into).Elem()
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := decodeFields(raw, v); err != nil {
			return err
		}
	}
	if c, ok := into.(Validator); ok {
		return c.Validate()
	}
	return nil
}

func decodeFields(raw json.RawMessage, v reflect.Value) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return errors.New("settings must be a JSON object")
	}
	fields, names := map[string]reflect.Value{}, []string{}
	for i := range v.NumField() {
		if name := jsonName(v.Type().Field(i)); name != "" {
			fields[name] = v.Field(i)
			names = append(names, name)
		}
	}
	var errs []error
	for _, key := range sortedKeys(given) {
		f, known := fields[key]
		if !known {
			errs = append(errs, unknownSetting(key, append(names, commonNames...)))
			continue
		}
		if string(given[key]) == "null" {
			continue
		}
		fresh := reflect.New(f.Type()) // never into the default: a list of it may be shared
		d := json.NewDecoder(bytes.NewReader(given[key]))
		d.DisallowUnknownFields()
		if err := d.Decode(fresh.Interface()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, plain(err)))
			continue
		}
		f.Set(fresh.Elem())
	}
	return errors.Join(errs...)
}

// jsonName is the key of a field, "" when it has none.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// fieldNames are the keys of a struct of settings; nil has none.
func fieldNames(config any) (names []string) {
	if config == nil {
		return nil
	}
	for f := range reflect.TypeOf(config).Fields() {
		if name := jsonName(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func unknownSetting(key string, known []string) error {
	return fmt.Errorf("unknown setting %.80q; there are %s", key, strings.Join(known, ", "))
}

// plain puts the decoder's words into the user's.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	want := map[reflect.Kind]string{
		reflect.Bool: "true or false", reflect.String: "a text", reflect.Slice: "a list", reflect.Map: "an object", reflect.Struct: "an object",
	}[wrong.Type.Kind()]
	if want == "" {
		want = "a number"
	}
	return fmt.Errorf("want %s, not a %s", want, wrong.Value)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
