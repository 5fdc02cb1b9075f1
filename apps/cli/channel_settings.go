package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// maxSecret is the longest secret that is read, in bytes.
const maxSecret = 64 << 10

// channelSettings are a channel's settings as they are given to a command. Secrets come from files, standard input or the environment:
// other users of the machine can read what a command is given.
type channelSettings struct {
	Set        []string `sep:"none" placeholder:"KEY=VALUE" help:"A setting; may be given again. Lists are separated by commas; KEY.NAME=VALUE sets one name of a map; a template is file:NAME, or a text with {{ … }} in it."`
	SetFile    []string `sep:"none" placeholder:"KEY=FILE" help:"A setting whose text is in a file, such as a template; - for standard input."`
	SecretFile []string `sep:"none" placeholder:"KEY=FILE" help:"A secret setting, in a file on one line; - for standard input. KEY.NAME for one name of a map."`
	SecretEnv  []string `sep:"none" placeholder:"KEY=NAME" help:"A secret setting, in a variable of this command's environment."`
	Unset      []string `placeholder:"KEY" help:"Give this setting its default again; a secret is forgotten. KEY.NAME takes one name out of a map."`
	Config     string   `placeholder:"FILE" help:"YAML or JSON file with settings; - for standard input."`
}

// given reports whether there is any.
func (c channelSettings) given() bool {
	return c.Config != "" || len(c.Set)+len(c.SetFile)+len(c.SecretFile)+len(c.SecretEnv)+len(c.Unset) > 0
}

// over brings the settings over stored ones.
func (c channelSettings) over(p *Program, spec channel.Spec, stored json.RawMessage) (json.RawMessage, error) {
	m, isObject := settings.Read(stored)
	if !isObject || m == nil {
		m = map[string]any{}
	}
	in := &reading{p: p}
	if c.Config != "" {
		raw, err := in.file(c.Config)
		if err != nil {
			return nil, err
		}
		var file map[string]any
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("%s is neither YAML nor JSON: %s", c.Config, firstLine(yaml.FormatError(err, false, false)))
		}
		maps.Copy(m, file)
	}
	for _, from := range []struct {
		pairs  []string
		secret bool
		read   func(string) (string, error)
	}{
		{c.Set, false, func(v string) (string, error) { return v, nil }},
		{c.SetFile, false, in.text},
		{c.SecretFile, true, in.secret},
		{c.SecretEnv, true, in.env},
	} {
		for _, pair := range from.pairs {
			if err := put(spec, m, pair, from.secret, from.read); err != nil {
				return nil, err
			}
		}
	}
	for _, key := range c.Unset {
		if err := unset(spec, m, key); err != nil {
			return nil, err
		}
	}
	return json.Marshal(m)
}

// reading reads files; standard input only once.
type reading struct {
	p    *Program
	used bool
}

func (r *reading) file(name string) ([]byte, error) {
	if name == "-" {
		if r.used {
			return nil, errors.New("standard input can be only one of the settings")
		}
		r.used = true
	}
	return r.p.input(name)
}

func (r *reading) text(name string) (string, error) {
	raw, err := r.file(name)
	return string(raw), err
}

func (r *reading) secret(name string) (string, error) {
	raw, err := r.file(name)
	if err != nil {
		return "", err
	}
	return one(name, strings.TrimSpace(string(raw)))
}

func (r *reading) env(name string) (string, error) {
	return one(name, strings.TrimSpace(r.p.Getenv(name)))
}

func one(from, secret string) (string, error) {
	switch {
	case secret == "":
		return "", fmt.Errorf("%s: there is no secret in it", from)
	case len(secret) > maxSecret || strings.ContainsRune(secret, 0):
		return "", fmt.Errorf("%s: a secret is a short text", from)
	}
	return secret, nil
}

// put sets one setting.
func put(spec channel.Spec, m map[string]any, pair string, secret bool, read func(string) (string, error)) error {
	name, text, ok := strings.Cut(pair, "=")
	if !ok {
		return fmt.Errorf("%q must look like KEY=VALUE", cut(pair, 40))
	}
	f, part, err := channelField(spec, name)
	if err != nil {
		return err
	}
	isSecret := f.Secret && (f.Type != settings.Map || channel.LooksSecret(part))
	if isSecret && !secret {
		return fmt.Errorf("%s: other users of this machine see what a command is given; use --secret-file %s=FILE, --secret-file %s=- or --secret-env %s=NAME", name, name, name, name)
	}
	if text, err = read(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if f.Type == settings.Map {
		of, _ := m[f.Key].(map[string]any)
		if of = maps.Clone(of); of == nil {
			of = map[string]any{}
		}
		of[part] = text
		m[f.Key] = of
		return nil
	}
	v, err := channelValue(f, text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m[f.Key] = v
	return nil
}

func unset(spec channel.Spec, m map[string]any, name string) error {
	key, part, hasPart := strings.Cut(name, ".")
	if !hasPart {
		part = "*" // any, should it be a map
	}
	f, _, err := channelField(spec, key+"."+part)
	if f.Type != settings.Map {
		f, _, err = channelField(spec, name)
	}
	switch {
	case err != nil:
		return err
	case f.Type == settings.Map:
		of, _ := m[f.Key].(map[string]any)
		if of == nil {
			return nil
		}
		of = maps.Clone(of)
		for k, v := range of {
			_, plain := v.(string)
			switch {
			case hasPart && k != part:
			case plain:
				delete(of, k)
			default: // a secret that is left out is kept
				of[k] = nil
			}
		}
		m[f.Key] = of
	case f.Secret:
		m[f.Key] = nil
	default:
		delete(m, f.Key)
	}
	return nil
}

// channelField finds a setting, and for maps the name in it: headers.X-Team.
func channelField(spec channel.Spec, name string) (f settings.Field, part string, err error) {
	key, part, _ := strings.Cut(name, ".")
	fields := spec.Fields()
	i := slices.IndexFunc(fields, func(f settings.Field) bool { return f.Key == key })
	if i < 0 {
		keys := make([]string, len(fields))
		for i, f := range fields {
			keys[i] = f.Key
		}
		return f, part, fmt.Errorf("%s has no setting %q; there are: %s", spec.Name, key, strings.Join(keys, ", "))
	}
	f = fields[i]
	switch {
	case f.Type == settings.Map && part == "":
		return f, part, fmt.Errorf("%s: it has names; write %s.NAME", key, key)
	case f.Type != settings.Map && part != "":
		return f, part, fmt.Errorf("%s: it has no names; write %s", name, key)
	}
	return f, part, nil
}

// channelValue is the value that a text stands for.
func channelValue(f settings.Field, text string) (any, error) {
	switch f.Type {
	case settings.Number:
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", cut(text, 40))
		}
		return n, nil
	case settings.Bool:
		b, err := strconv.ParseBool(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", cut(text, 40))
		}
		return b, nil
	case settings.List:
		list := []string{}
		for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		return list, nil
	case settings.TemplateText:
		if strings.ContainsAny(text, "{\n") { // no name of a file has these
			return map[string]any{"type": "inline", "template": text}, nil
		}
		return text, nil
	default:
		return text, nil
	}
}
