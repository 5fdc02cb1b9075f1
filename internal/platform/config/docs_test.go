package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestEachSettingIsDescribed holds the tags to what loader and documentation need of them.
func TestEachSettingIsDescribed(t *testing.T) {
	t.Parallel()
	names, fields := map[string]bool{}, map[string]bool{}
	for _, f := range settings(&Config{}) {
		if f.unit() == "" || !strings.HasSuffix(f.tag.Tag.Get("doc"), ".") {
			t.Errorf("%s: unit %q, doc %q; want both, doc in sentences", f.name, f.unit(), f.tag.Tag.Get("doc"))
		}
		if names[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		// The env library reports Go names only; parse maps them back.
		if kind := f.tag.Type.Kind(); kind != reflect.String && f.tag.Type != reflect.TypeFor[[]string]() && fields[f.tag.Name] {
			t.Errorf("two sections have a field %s", f.tag.Name)
		}
		names[f.name], fields[f.tag.Name] = true, true
		looks := strings.Contains(f.name, "SECRET") || strings.HasSuffix(f.name, "_API_KEY")
		if looks != (f.isSecret() || f.name == "HUB_SECRET_KEY_FILE") && f.name != "HUB_ADMIN_KEY" && !strings.HasSuffix(f.name, "_URL") {
			t.Errorf("%s: secret type %t", f.name, f.isSecret())
		}
	}
	if len(names) < 20 {
		t.Errorf("only %d settings found: the sections are not walked", len(names))
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	docs := Docs()
	lines := strings.Split(strings.TrimSpace(docs), "\n")
	if got, want := len(lines), len(settings(&Config{}))+2; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	for _, line := range lines {
		if strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 5 {
			t.Errorf("not four cells: %s", line)
		}
	}
	const want = "| `HUB_LEASE` | duration such as 30s or 5m | `30s` | "
	if !strings.Contains(docs, want) {
		t.Errorf("no line begins with %s in:\n%s", want, docs)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		xdg, home string
		root, dir bool
		want      string
	}{
		"XDG":                   {"/x", "/h", false, false, "/x/incidenthub"},
		"XDG before the system": {"/x", "/root", true, true, "/x/incidenthub"},
		"XDG relative: ignored": {"x", "/h", false, false, "/h/.local/share/incidenthub"},
		"home":                  {"", "/h", false, true, "/h/.local/share/incidenthub"},
		"root without folder":   {"", "/root", true, false, "/root/.local/share/incidenthub"},
		"root with folder":      {"", "/root", true, true, "/var/lib/incidenthub"},
		"root without home":     {"", "", true, true, "/var/lib/incidenthub"},
		"nothing":               {"", "", false, true, ""},
	} {
		getenv := func(n string) string { return map[string]string{"XDG_DATA_HOME": tt.xdg, "HOME": tt.home}[n] }
		isDir := func(path string) bool { return tt.dir && path == systemDir }
		if got := defaultDir(getenv, machine{root: tt.root, isDir: isDir}); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "1": "1", "1024": "1KiB", "8MiB": "8MiB", "8 mib": "8MiB", "8MB": "8MiB", "8m": "8MiB", "1536KiB": "1536KiB",
		"2g": "2GiB", "7B": "7", " 1 k ": "1KiB",
	} {
		var b Bytes
		if err := b.UnmarshalText([]byte(in)); err != nil || b.String() != want {
			t.Errorf("Bytes %q = %v, %v; want %s", in, b, err, want)
		}
	}
	for _, in := range []string{"", "x", "1.5MiB", "-1", "1 T", "MiB", "8589934592GiB", "9223372036854775808", "1 2", "0x10"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("Bytes %q = %v, want an error", in, b)
		}
	}
}
