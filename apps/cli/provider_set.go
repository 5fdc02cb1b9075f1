package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/providers"
)

// maxKey is the longest key that is read, in bytes.
const maxKey = 8 << 10

// keySource are the ways to give a key. The first one shows it to other users of this machine while the command runs, and its help says so.
type keySource struct {
	APIKey     string `name:"api-key" placeholder:"KEY" help:"The key itself. Others on this machine can read it meanwhile, and shells remember it: the next two are better."`
	APIKeyFile string `name:"api-key-file" placeholder:"FILE" help:"File with the key on one line; - for standard input."`
	APIKeyEnv  string `name:"api-key-env" placeholder:"NAME" help:"Variable of this command's environment that has the key."`
}

// key reads the key; given is false when there is none to read.
func (k keySource) key(p *Program) (key string, given bool, err error) {
	from, ways := "--api-key", 0
	for _, way := range []string{k.APIKey, k.APIKeyFile, k.APIKeyEnv} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways > 1:
		return "", false, errors.New("give the key once: --api-key-file, --api-key-env or --api-key")
	case k.APIKey != "":
		key = strings.TrimSpace(k.APIKey)
	case k.APIKeyFile != "":
		from = k.APIKeyFile
		raw, err := p.input(k.APIKeyFile)
		if err != nil {
			return "", false, err
		}
		key = strings.TrimSpace(string(raw))
	case k.APIKeyEnv != "":
		from = k.APIKeyEnv
		key = strings.TrimSpace(p.Getenv(k.APIKeyEnv))
	default:
		return "", false, nil
	}
	if err := checkKey(key); err != nil {
		return "", false, fmt.Errorf("%s: %w", from, err)
	}
	return key, true, nil
}

func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("there is no key in it")
	case len(key) > maxKey || strings.ContainsAny(key, "\r\n\x00"):
		return errors.New("a key is one line")
	default:
		return nil
	}
}

type providerSetCmd struct {
	where
	keySource
	Provider    string   `arg:"" help:"Name or id."`
	Settings    []string `arg:"" optional:"" name:"setting" help:"Settings as KEY=VALUE, such as model=gpt-6-luna or calls_per_hour=20."`
	Unset       []string `placeholder:"KEY" help:"Give this setting its default again; api_key forgets the key."`
	Config      string   `placeholder:"FILE" help:"YAML or JSON file with settings, also headers; - for standard input."`
	Name        string   `placeholder:"NAME" help:"Call it this from now on."`
	Description *string  `placeholder:"TEXT" help:"What people should know of it."`
	JSON        bool     `help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (providerSetCmd) Help() string {
	return `What is not named stays as it is, the key too. When the address gets another host the key must be given again. A running hub takes the change
over by itself, and asks a provider anew that it had left alone.

Examples:

    incidenthub provider set openai model=gpt-6-luna calls_per_hour=20
    incidenthub provider set openai --api-key-file key.txt
    pass show openai | incidenthub provider set openai --api-key-file -
    incidenthub provider set openai --unset money_per_day`
}

// Run implements the command.
func (c providerSetCmd) Run(ctx context.Context, p *Program) error {
	if c.Config == "-" && c.APIKeyFile == "-" {
		return usage{errors.New("standard input can be --config or --api-key-file, not both")}
	}
	return p.changeProvider(ctx, c.where, c.JSON, func(ctx context.Context, h *Hub) (analysts.Record, error) {
		was, err := h.Target.Providers.Get(ctx, tenant, c.Provider)
		if err != nil {
			return analysts.Record{}, err
		}
		in := analysts.InputOf(was)
		in.Name = firstOf(c.Name, in.Name)
		if c.Description != nil {
			in.Description = *c.Description
		}
		change, err := p.readChange(c.keySource, c.Config, c.Settings, c.Unset)
		if err != nil {
			return analysts.Record{}, usage{err}
		}
		spec, err := kindOf(h.Target.Providers, was.Provider)
		if err != nil {
			return analysts.Record{}, err
		}
		if in.Config, err = change.over(spec, was.Config.V); err != nil {
			return analysts.Record{}, usage{err}
		}
		return h.Target.Providers.Update(ctx, tenant, was.ID.String(), was.Version, in)
	}, "Provider %q is changed.")
}

// kindOf finds a kind of providers; the error names those there are.
func kindOf(s *analysts.Service, name string) (providers.Spec, error) {
	var names []string
	for _, k := range s.Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return providers.Spec{}, usage{fmt.Errorf("there is no provider %q; there are: %s", name, strings.Join(names, ", "))}
}

// settingChange are settings as they were given to a command.
type settingChange struct {
	file  map[string]any
	pairs []string // KEY=VALUE
	unset []string
	key   *string
}

func (p *Program) readChange(k keySource, file string, pairs, unset []string) (settingChange, error) {
	out := settingChange{pairs: pairs, unset: unset}
	if file != "" {
		raw, err := p.input(file)
		if err != nil {
			return out, err
		}
		if err := yaml.Unmarshal(raw, &out.file); err != nil {
			return out, fmt.Errorf("%s is neither YAML nor JSON: %s", file, firstLine(yaml.FormatError(err, false, false)))
		}
	}
	key, given, err := k.key(p)
	if given {
		out.key = &key
	}
	return out, err
}

// over brings the change over stored settings.
func (c settingChange) over(spec providers.Spec, stored json.RawMessage) (json.RawMessage, error) {
	m, isObject := settings.Read(stored)
	if !isObject || m == nil {
		m = map[string]any{}
	}
	maps.Copy(m, c.file)
	for _, pair := range c.pairs {
		key, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%q must look like KEY=VALUE", pair)
		}
		f, err := fieldOf(spec, key)
		if err != nil {
			return nil, err
		}
		if m[key], err = settingOf(f, text); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	for _, key := range c.unset {
		f, err := fieldOf(spec, key)
		switch {
		case err != nil:
			return nil, err
		case f.Secret: // what is left out is kept
			m[key] = nil
		default:
			delete(m, key)
		}
	}
	if c.key != nil {
		m["api_key"] = *c.key
	}
	return json.Marshal(m)
}

func fieldOf(spec providers.Spec, key string) (settings.Field, error) {
	i := slices.IndexFunc(spec.Fields, func(f settings.Field) bool { return f.Key == key })
	if i >= 0 {
		return spec.Fields[i], nil
	}
	var keys []string
	for _, f := range spec.Fields {
		keys = append(keys, f.Key)
	}
	return settings.Field{}, fmt.Errorf("%s has no setting %q; there are: %s", spec.Name, key, strings.Join(keys, ", "))
}

// settingOf is the value that a text stands for.
func settingOf(f settings.Field, text string) (any, error) {
	switch {
	case f.Secret && f.Type != settings.Map:
		return nil, errors.New("other users of this machine see what a command is given; use --api-key-file or --api-key-env")
	case f.Type == settings.Map:
		return nil, errors.New("it has names and values; give them in a file with --config")
	case f.Type == settings.Number:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return n, nil
	case f.Type == settings.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return b, nil
	default:
		return text, nil
	}
}

// settingRows are stored settings as lines, secrets as the word "configured".
func settingRows(config json.RawMessage) [][2]string {
	m, _ := settings.Read(config)
	var out [][2]string
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			switch v := m[key].(type) {
			case map[string]any:
				if v["configured"] == true {
					out = append(out, [2]string{prefix + key, "configured"})
					continue
				}
				walk(prefix+key+".", v)
			default:
				out = append(out, [2]string{prefix + key, fmt.Sprint(v)})
			}
		}
	}
	walk("", m)
	return out
}
