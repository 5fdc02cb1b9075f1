package texts

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/jinja"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/templates"
)

const (
	extension = ".j2"
	anyEvent  = "default" // stands for an event without a template of its own, and for a driver without
)

// files are the built-in templates by path without extension. A test compiles them all; one that does not is left out, and the plain text is
// behind it.
var files = sync.OnceValue(func() map[string]*jinja.Template {
	out := map[string]*jinja.Template{}
	paths, _ := fs.Glob(templates.FS, "*/*"+extension)
	for _, p := range paths {
		source, err := fs.ReadFile(templates.FS, p)
		if err != nil || path.Dir(p) == templates.Notice {
			continue
		}
		if t, err := jinja.Compile(string(source)); err == nil {
			out[strings.TrimSuffix(p, extension)] = t
		}
	}
	return out
})

// builtin are the templates of a driver for an event, the first that works is taken. Only a driver's own folder has payloads: what a receiver
// takes is nobody else's to say.
func builtin(driver, part string, k channel.Kind) []*jinja.Template {
	all := files()
	folders := []string{driver, anyEvent}
	if part == partPayload {
		folders = folders[:1]
	}
	var out []*jinja.Template
	for _, folder := range folders {
		for _, event := range []string{string(k), anyEvent} {
			if t := all[path.Join(folder, event)+"."+part]; t != nil && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// named finds what a setting names: one file for all events ("slack/firing.text"), or a driver's files by event ("slack", "slack_text").
func named(name, part string) (func(channel.Kind) *jinja.Template, bool) {
	name = strings.TrimSuffix(name, extension)
	all := files()
	if t := all[name]; t != nil {
		return func(channel.Kind) *jinja.Template { return t }, true
	}
	folder := name
	for _, p := range []string{partText, partPayload, partHTML} {
		if before, ok := strings.CutSuffix(name, "_"+p); ok {
			folder, part = before, p
		}
	}
	if strings.Contains(folder, "/") || !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(p string) bool {
		return path.Dir(p) == folder && strings.HasSuffix(p, "."+part)
	}) {
		return nil, false
	}
	return func(k channel.Kind) *jinja.Template {
		for _, event := range []string{string(k), anyEvent} {
			if t := all[path.Join(folder, event)+"."+part]; t != nil {
				return t
			}
		}
		return nil
	}, true
}

// HasText reports whether a setting is a template of one's own, or names a built-in one that makes a text.
func HasText(t settings.Template) bool { return has(t, partText) }

// HasPayload is HasText for a built-in one that makes a document.
func HasPayload(t settings.Template) bool { return has(t, partPayload) }

func has(t settings.Template, part string) bool {
	if t.File == "" || t.Inline != "" {
		return true
	}
	_, ok := named(t.File, part)
	return ok
}

// names lists the built-in templates that make a part, for complaints.
func names(part string) string {
	all := slices.Sorted(maps.Keys(files()))
	all = slices.DeleteFunc(all, func(name string) bool { return !strings.HasSuffix(name, "."+part) })
	if len(all) == 0 {
		return "none for this setting"
	}
	return strings.Join(all, ", ")
}
