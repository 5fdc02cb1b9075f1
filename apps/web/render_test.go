package web

import (
	"html/template"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// TestEveryViewParses: they are parsed when they are first shown, so it is here that a broken one is found.
func TestEveryViewParses(t *testing.T) {
	t.Parallel()
	a, err := loadAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	v := newViews(files, a, clock.System())
	for name, parsed := range v.byName {
		if _, err := parsed(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	there, err := fs.Glob(files, "templates/views/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range there {
		if name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/views/"), ".html"); v.byName[name] == nil {
			t.Errorf("no view uses %s", file)
		}
	}
	if len(there) != len(table) {
		t.Errorf("%d views of %d files", len(table), len(there))
	}
}

func TestBrokenViews(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ view, partial, want string }{
		"does not parse":                 {`{{if}}`, ``, "parse view"},
		"calls what is not there":        {`{{template "part"}}{{template "none"}}`, `{{define "part"}}{{end}}`, `template "none"`},
		"lists what it does not use":     {`x`, `{{define "part"}}{{end}}`, `"part" is listed and not used`},
		"writes where nothing is safe":   {`{{template "part"}}<script>{{if .}}"{{end}}</script>`, `{{define "part"}}{{end}}`, "branches end in different contexts"},
		"uses functions that nobody has": {`{{template "part"}}{{nobody}}`, `{{define "part"}}{{end}}`, `"nobody" not defined`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := fstest.MapFS{
				"templates/common/layout.html": {Data: []byte(`{{template "view" .}}`)},
				"templates/common/frame.html":  {},
				"templates/common/theme.html":  {},
				"templates/common/part.html":   {Data: []byte(c.partial)},
				"templates/views/v.html":       {Data: []byte(`{{define "view"}}` + c.view + `{{end}}`)},
			}
			if _, err := parseView(from, template.FuncMap{}, "v", []string{"part"}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
