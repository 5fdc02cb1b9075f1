package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ErrConfig is wrapped by every complaint about settings; the text says which key and what to do.
var ErrConfig = errors.New("config")

// KeyError is one complaint about one setting. It wraps ErrConfig.
type KeyError struct {
	Key     string // as in the settings, "headers.Authorization" inside a map; "" for the settings as a whole
	Message string // what to do, without the value
}

// Error implements error.
func (e *KeyError) Error() string {
	if e.Key == "" {
		return ErrConfig.Error() + ": " + e.Message
	}
	return ErrConfig.Error() + ": " + e.Key + ": " + e.Message
}

// Unwrap makes errors.Is(err, ErrConfig) hold.
func (e *KeyError) Unwrap() error { return ErrConfig }

// Bad returns a KeyError.
func Bad(key, format string, args ...any) error {
	return &KeyError{Key: key, Message: fmt.Sprintf(format, args...)}
}

// KeyErrors returns every KeyError that err is, wraps or joins.
func KeyErrors(err error) []*KeyError {
	var found []*KeyError
	switch e := err.(type) { //nolint:errorlint // this function walks the tree
	case nil:
	case *KeyError:
		found = append(found, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = append(found, KeyErrors(inner)...)
		}
	case interface{ Unwrap() error }:
		found = KeyErrors(e.Unwrap())
	}
	return found
}

// Decode reads settings into a struct, strictly: an object with no keys but the struct's, spelled exactly as its json tags
// (encoding/json alone would take "SECRET" for "secret", past everything that looks for secrets). Every complaint is a
// KeyError; all are joined. No settings at all (empty, null) are an empty object.
func Decode(config json.RawMessage, into any) error {
	if config = bytes.TrimSpace(config); len(config) == 0 || bytes.Equal(config, []byte("null")) {
		config = []byte("{}")
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(config, &given); err != nil {
		return Bad("", "must be a JSON object")
	}
	known := members(reflect.TypeOf(into).Elem())
	value := reflect.ValueOf(into).Elem()
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(given)) {
		at, ok := known[key]
		if !ok {
			errs = append(errs, Bad(key, "unknown; known are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
			continue
		}
		field := value.FieldByIndex(at).Addr().Interface()
		if err := json.Unmarshal(given[key], field); err != nil {
			errs = append(errs, typeError(key, value.FieldByIndex(at).Type(), err))
		}
		if t, ok := field.(*Template); ok && !t.IsZero() {
			t.Key = key
		}
	}
	return errors.Join(errs...)
}

// members maps json names to fields. Settings are flat structs; those they embed are part of them.
func members(t reflect.Type) map[string][]int {
	out := make(map[string][]int, t.NumField())
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			out[name] = f.Index
		}
	}
	return out
}

func typeError(key string, want reflect.Type, err error) error {
	if own, ok := errors.AsType[*KeyError](err); ok { // the field's type decodes itself
		return Bad(key, "%s", own.Message)
	}
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	words := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number",
		reflect.Float64: "a number", reflect.Map: "an object of strings", reflect.Slice: "a list",
	}
	word := words[want.Kind()]
	if want.Kind() == reflect.Slice && want.Elem().Kind() == reflect.String {
		word = "a list of strings"
	}
	if word == "" {
		word = "another type"
	}
	return Bad(key, "must be %s", word)
}

// secretWords mark names of headers, parameters and settings whose value is a secret (contract 7.5).
var secretWords = [...]string{"key", "secret", "token", "passw", "pwd", "api", "auth", "cookie", "credential", "signature", "session"}

// LooksSecret reports whether something of that name most likely holds a secret.
func LooksSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords[:], func(w string) bool { return strings.Contains(name, w) })
}
