package archtest

import (
	"fmt"
	"slices"
	"strings"
)

func checkImports(t *Tree, r Rules) []Violation {
	var out []Violation
	for _, p := range t.Packages {
		i := slices.IndexFunc(r.Imports, func(row Row) bool { return matchesAny(row.From, p.Path) })
		if i < 0 {
			out = append(out, Violation{
				"imports", p.Path, "no row of the import table is for this package",
				"move it to where its kind lives, or add a row to internal/archtest/rules.go with its reason",
			})
			continue
		}
		for _, f := range p.Files {
			for _, imported := range f.Imports {
				if v, bad := judge(r.Imports[i], p.Path, f, imported); bad {
					out = append(out, v)
				}
				if v, bad := judgePlugin(r.Plugins, p.Path, f, imported); bad {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// judge holds one import against the row of its package.
func judge(row Row, from string, f *File, imported Import) (Violation, bool) {
	do := row.Because
	if do == "" {
		do = "see the import table in internal/archtest/rules.go"
	}
	if !imported.Own {
		library := strings.Contains(strings.Split(imported.Path, "/")[0], ".")
		return Violation{"imports", f.Path, fmt.Sprintf("%s imports the library %s", from, imported.Path), do},
			row.StdOnly && library && !f.Test
	}
	allowed := matchesAny(row.May, imported.Path) || imported.Path == from || strings.HasPrefix(imported.Path, from+"/") ||
		f.Test && (matchesAny(row.InTests, imported.Path) || matchesAny(testExtras, imported.Path))
	return Violation{"imports", f.Path, fmt.Sprintf("%s must not import %s", from, imported.Path), do}, !allowed
}

// judgePlugin keeps everybody but the registry and the composition root away from single plugins.
func judgePlugin(kinds []Plugins, from string, f *File, imported Import) (Violation, bool) {
	if !imported.Own {
		return Violation{}, false
	}
	for _, k := range kinds {
		name, inside := strings.CutPrefix(imported.Path, k.In+"/")
		name, _, _ = strings.Cut(name, "/")
		if !inside || slices.Contains(k.Except, name) || from == k.In || from == k.Registry ||
			matches(k.In+"/"+name+"/...", from) || matches("internal/server/...", from) || matches("internal/bench/...", from) {
			continue
		}
		return Violation{
			"plugins", f.Path, fmt.Sprintf("%s imports the plugin %s", from, imported.Path),
			"go through " + k.Registry + ": nobody else knows a plugin by name",
		}, true
	}
	return Violation{}, false
}
