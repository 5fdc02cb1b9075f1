package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// Setting is one setting as it may be shown.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"` // without secrets; "" when unset
	From  string `json:"from"`  // FromFlag, FromEnv or FromDefault
}

// Redacted lists all settings with their values in force, for doctor and the start-up log. Secrets show as ***, database
// and Redis URLs without user, password and parameters.
func (c Config) Redacted() []Setting {
	fields := settings(&c)
	out := make([]Setting, len(fields))
	for i, f := range fields {
		s := Setting{Name: f.name, Value: f.text(), From: FromDefault}
		if from, ok := c.from[f.name]; ok {
			s.From = from
		}
		switch f.name {
		case "HUB_DATABASE_URL":
			s.Value = bareURL(c.Storage.DatabaseURL.Reveal())
		case "HUB_REDIS_URL":
			s.Value = bareURL(c.Storage.RedisURL.Reveal())
		}
		out[i] = s
	}
	return out
}

// bareURL cuts what may be secret off a database's URL: user, password, parameters. What cannot be read shows its scheme.
func bareURL(raw string) string {
	if _, ok := sqlitePath(raw); ok || raw == "" {
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		if scheme, _, ok := strings.Cut(raw, "://"); ok {
			return scheme + "://…"
		}
		return secret.NewString(raw).String()
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// Warnings says what works but is likely not meant, for the start-up log and doctor.
func (c Config) Warnings() []string {
	var out []string
	if n := len(c.Access.AdminKey.Reveal()); n > 0 && n < 20 {
		out = append(out, "HUB_ADMIN_KEY is shorter than 20 characters: it can be guessed")
	}
	return out
}

// Unknown returns the names in environ (NAME=value, as os.Environ gives it) that look meant for the hub but are no
// settings: misspelt, or a signing secret for a sender that cannot sign. HUB_TEST_… belongs to the tests, the names in
// callers to those who talk to a hub.
func Unknown(environ []string) []string {
	known := settings(&Config{})
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !ours.MatchString(name) || strings.HasPrefix(name, "HUB_TEST_") || slices.Contains(callers[:], name) {
			continue
		}
		if !slices.ContainsFunc(known, func(f field) bool { return f.name == name }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// callers are the names that commands read (HUB_TOKEN, HUB_SERVER), and the one that the documents have a key for curl in.
var callers = [...]string{"HUB_KEY", "HUB_SERVER", "HUB_TOKEN"}

var ours = regexp.MustCompile(`^(HUB|WEBHOOK_SECRET)_[A-Z0-9_]+$`)

// Docs returns all settings as a Markdown table: variable, form, default, meaning.
func Docs() string {
	var b strings.Builder
	b.WriteString("| variable | value | default | meaning |\n|---|---|---|---|\n")
	for _, f := range settings(&Config{}) {
		def := f.tag.Tag.Get("envDefault")
		if def != "" {
			def = "`" + def + "`"
		}
		row := []string{"`" + f.name + "`", f.unit(), def, f.tag.Tag.Get("doc")}
		for i, cell := range row {
			row[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}
