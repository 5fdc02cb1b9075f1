package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Where a value came from, as Setting.From says.
const (
	FromDefault = "default"
	FromEnv     = "environment"
	FromFlag    = "flag"
)

// systemDir is used by root when the operator, or a package, has made it.
const systemDir = "/var/lib/incidenthub"

// Load reads all settings: from overrides (flags, by variable name), else from getenv, else the defaults. What is not
// given it fills in (data folder, database). Then it validates. The error lists every problem, each with the variable, its
// value unless secret, and what to do. Load opens and makes nothing.
func Load(getenv func(string) string, overrides map[string]string) (Config, error) {
	return load(getenv, overrides, machine{
		root:  os.Geteuid() == 0,
		isDir: func(path string) bool { info, err := os.Stat(path); return err == nil && info.IsDir() },
	})
}

// machine is what defaults depend on besides variables.
type machine struct {
	root  bool
	isDir func(string) bool
}

func load(getenv func(string) string, overrides map[string]string, m machine) (Config, error) {
	c := Config{from: map[string]string{}}
	fields := settings(&c)
	values := map[string]string{} // not nil: then the env library would read the process environment itself
	for _, f := range fields {
		if v := strings.TrimSpace(overrides[f.name]); v != "" {
			values[f.name], c.from[f.name] = v, FromFlag
		} else if v := strings.TrimSpace(getenv(f.name)); v != "" {
			values[f.name], c.from[f.name] = v, FromEnv
		}
	}
	var p problems
	for name := range overrides {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			p.add(name, "", "is no setting")
		}
	}
	p.parse(&c, fields, values)
	c.fill(getenv, m, &p)
	c.validate(&p)
	return c, p.err()
}

// parse fills c from values. The env library names Go fields in its errors; operators know variables.
func (p *problems) parse(c *Config, fields []field, values map[string]string) {
	err := env.ParseWithOptions(c, env.Options{Environment: values})
	if err == nil {
		return
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		all.Errors = []error{err}
	}
	for _, err := range all.Errors {
		bad, ok := errors.AsType[env.ParseError](err)
		i := slices.IndexFunc(fields, func(f field) bool { return ok && f.tag.Name == bad.Name })
		if i < 0 {
			p.add("settings", "", err.Error())
			continue
		}
		f := fields[i]
		p.add(f.name, f.show(values[f.name]), "cannot be read; it takes: "+f.unit())
	}
}

// fill completes what has a default that depends on other things.
func (c *Config) fill(getenv func(string) string, m machine, p *problems) {
	if c.Storage.DataDir == "" {
		c.Storage.DataDir = defaultDir(getenv, m)
	}
	if c.Storage.DataDir == "" {
		p.add("HUB_DATA_DIR", "", "is needed: neither XDG_DATA_HOME nor HOME is set, so there is no default")
	} else if abs, err := filepath.Abs(c.Storage.DataDir); err != nil {
		p.add("HUB_DATA_DIR", c.Storage.DataDir, "cannot be made absolute: "+err.Error())
	} else {
		c.Storage.DataDir = abs
	}
	if c.Storage.DatabaseURL.IsZero() && c.Storage.DataDir != "" {
		c.Storage.DatabaseURL = secret.NewString(c.Storage.ownFile())
	}
	c.Server.PublicURL = strings.TrimRight(c.Server.PublicURL, "/")
}

// ownFile is the database of a hub that was told of no other. It is a path: a folder may be called anything, "a#b?" as well.
func (s Storage) ownFile() string { return "sqlite:" + filepath.Join(s.DataDir, "incidenthub.db") }

// defaultDir follows the XDG base directory specification 0.8 (relative values are ignored), with a place for services.
func defaultDir(getenv func(string) string, m machine) string {
	const name = "incidenthub"
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, name)
	}
	if m.root && m.isDir(systemDir) {
		return systemDir
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", name)
	}
	return ""
}

// field is one setting: a field of one section.
type field struct {
	name  string // of the variable
	tag   reflect.StructField
	value reflect.Value
}

func (f field) unit() string { return f.tag.Tag.Get("unit") }

func (f field) isSecret() bool { return f.tag.Type == reflect.TypeFor[secret.String]() }

// show returns text unless it is a secret's.
func (f field) show(text string) string {
	if f.isSecret() {
		return secret.NewString(text).String()
	}
	return text
}

// text writes the current value as it could be given.
func (f field) text() string {
	switch v := f.value.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case Prefixes:
		return strings.Join(v.Strings(), ",")
	case time.Duration:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// settings lists the fields of all sections in order.
func settings(c *Config) []field {
	var out []field
	root := reflect.ValueOf(c).Elem()
	for _, section := range root.Fields() {
		if section.Kind() != reflect.Struct {
			continue
		}
		for sf, v := range section.Fields() {
			if name := sf.Tag.Get("env"); name != "" {
				out = append(out, field{name: name, tag: sf, value: v})
			}
		}
	}
	return out
}
