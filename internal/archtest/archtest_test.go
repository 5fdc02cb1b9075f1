package archtest

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "example.org/hub"

// source is a fake tree: path to content. In it, OURS/ stands for the module.
type source map[string]string

// good is a tree that keeps all rules, one package of most kinds.
func good() source {
	return source{
		"go.mod":                           "module " + module + "\n\ngo 1.26\n",
		".gitignore":                       "# built\n/bin/\n*.db\n",
		"bin/left.over":                    "",
		"README.md":                        "",
		"cmd/hub/main.go":                  "// Command hub is the hub.\npackage main\n\nimport _ \"OURS/internal/server\"\n",
		"internal/server/server.go":        "// Package server wires.\npackage server\n\nimport (\n\t\"OURS/apps/alerts\"\n\t\"OURS/drivers/acme\"\n)\n\nvar (\n\ta = alerts.A\n\tb = acme.New()\n)\n",
		"internal/platform/clock/clock.go": "// Package clock tells the time.\npackage clock\n",
		"internal/worker/worker.go":        "// Package worker works.\npackage worker\n\nimport \"OURS/apps/alerts\"\n\nvar a = alerts.A\n",
		"apps/event/event.go":              "// Package event has the words.\npackage event\n\nimport \"time\"\n\nvar zero time.Time\n",
		"apps/alerts/alerts.go":            "// Package alerts has alerts.\npackage alerts\n\nimport (\n\t\"OURS/apps/event\"\n\t\"OURS/drivers\"\n\t\"github.com/x/y\"\n)\n\nvar A, b, c = event.E, drivers.D, y.Y\n",
		"apps/alerts/alerts_test.go":       "package alerts_test\n\nimport \"OURS/migrations\"\n\nvar m = migrations.FS\n",
		"apps/alerts/fold/fold.go":         "// Package fold folds.\npackage fold\n\nimport \"OURS/apps/event\"\n\nvar e = event.E\n",
		"migrations/embed.go":              "// Package migrations embeds.\npackage migrations\n\nimport _ \"embed\"\n",
		"drivers/driver.go":                "// Package drivers is the contract.\npackage drivers\n",
		"drivers/registry/registry.go":     "// Package registry lists drivers.\npackage registry\n\nimport \"OURS/drivers/acme\"\n\nvar a = acme.New()\n",
		"drivers/acme/acme.go":             "// Package acme reads Acme.\npackage acme\n\nimport \"OURS/drivers\"\n\nvar _ drivers.Driver = Driver{}\n",
		"drivers/acme/acme_test.go":        "package acme\n\nimport \"OURS/drivers/drivertest\"\n\nvar x = drivertest.Run\n",
		"drivers/acme/README.md":           "",
		"drivers/acme/testdata/a/in.json":  "",
		"drivers/drivertest/run.go":        "// Package drivertest is the suite.\npackage drivertest\n\nimport \"OURS/drivers\"\n\nvar d = drivers.D\n",
	}
}

// check gives "rule place" of each violation in the good tree changed by change; content "-" removes a file.
func check(t *testing.T, change source) []string {
	t.Helper()
	all := good()
	maps.Copy(all, change)
	files := fstest.MapFS{}
	for name, content := range all {
		if content != "-" {
			files[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(content, "OURS/", module+"/"))}
		}
	}
	tree, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	rules := Default()
	rules.Blank = append(rules.Blank, "internal/server") // main of the fake tree needs no more
	var got []string
	for _, v := range Check(tree, rules) {
		if v.What == "" || v.Do == "" || !strings.Contains(v.String(), "To do: "+v.Do) {
			t.Errorf("a violation without words: %v", v)
		}
		got = append(got, v.Rule+" "+v.Where)
	}
	return got
}

func TestGoodTree(t *testing.T) {
	t.Parallel()
	if got := check(t, nil); got != nil {
		t.Errorf("a good tree breaks %q", got)
	}
}

// code is a file of a package with imports.
func code(pkg string, imports ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", pkg)
	for n, i := range imports {
		fmt.Fprintf(&b, "\nimport p%d %q\n", n, i)
	}
	return b.String()
}

// TestRulesCanFail breaks one rule at a time.
func TestRulesCanFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change source
		want   []string
	}{
		"an unknown folder at the top":  {source{"pkg/x.txt": ""}, []string{"layout pkg"}},
		"an unknown file at the top":    {source{"notes.txt": ""}, []string{"layout notes.txt"}},
		"an unknown app":                {source{"apps/billing/b.go": "// Package billing bills.\npackage billing\n"}, []string{"layout apps/billing"}},
		"unknown plumbing":              {source{"internal/magic/m.go": "// Package magic is new.\npackage magic\n"}, []string{"layout internal/magic", "imports internal/magic"}},
		"a package of no kind":          {source{"docs/gen.go": "// Package docs has none.\npackage docs\n"}, []string{"imports docs"}},
		"a name that says nothing":      {source{"internal/platform/util/u.go": "// Package util has all sorts.\npackage util\n"}, []string{"names internal/platform/util"}},
		"no package comment":            {source{"drivers/driver.go": "package drivers\n"}, []string{"comments drivers"}},
		"two package comments":          {source{"drivers/b.go": "// Package drivers says it again.\npackage drivers\n"}, []string{"comments drivers"}},
		"a comment of another package":  {source{"drivers/driver.go": "// This is it.\npackage drivers\n"}, []string{"comments drivers"}},
		"a long file":                   {source{"drivers/b.go": "package drivers\n" + strings.Repeat("\n", 400)}, []string{"size drivers/b.go"}},
		"a generated long file":         {source{"drivers/b.go": "// Code generated by x. DO NOT EDIT.\n\npackage drivers\n" + strings.Repeat("\n", 400)}, nil},
		"an init function":              {source{"drivers/b.go": "package drivers\n\nfunc init() {}\n"}, []string{"state drivers/b.go"}},
		"an import for side effects":    {source{"internal/server/b.go": "package server\n\nimport _ \"github.com/x/y\"\n"}, []string{"state internal/server/b.go"}},
		"a package variable assigned":   {source{"drivers/b.go": "package drivers\n\nvar n int\n\nfunc f() { n = 1 }\n"}, []string{"state drivers/b.go"}},
		"a package variable counted":    {source{"drivers/b.go": "package drivers\n\nfunc f() { n++ }\n", "drivers/c.go": "package drivers\n\nvar n int\n"}, []string{"state drivers/b.go"}},
		"an entry of a package map":     {source{"drivers/b.go": "package drivers\n\nvar m = map[int]int{}\n\nfunc f() { m[1] = 1; delete(m, 1) }\n"}, []string{"state drivers/b.go", "state drivers/b.go"}},
		"a field of a package variable": {source{"drivers/b.go": "package drivers\n\nvar s struct{ n int }\n\nfunc f() { (s.n) = 1 }\n"}, []string{"state drivers/b.go"}},
		"a local variable of that name": {source{"drivers/b.go": "package drivers\n\nvar n int\n\nfunc f() { n := 1; n = 2; _ = n }\n"}, nil},

		"an app imports an app":             {source{"apps/alerts/b.go": code("alerts", "OURS/apps/notify")}, []string{"imports apps/alerts/b.go"}},
		"a test of an app imports an app":   {source{"apps/alerts/b_test.go": code("alerts", "OURS/apps/notify")}, []string{"imports apps/alerts/b_test.go"}},
		"an app imports its own folders":    {source{"apps/alerts/b.go": code("alerts", "OURS/apps/alerts/fold")}, nil},
		"an app's folder imports an app":    {source{"apps/alerts/fold/b.go": code("fold", "OURS/apps/auth")}, []string{"imports apps/alerts/fold/b.go"}},
		"orchestration imports an app":      {source{"apps/orchestration/o.go": "// Package orchestration runs.\n" + code("orchestration", "OURS/apps/alerts", "OURS/pipelines")}, []string{"imports apps/orchestration/o.go"}},
		"a node imports apps":               {source{"apps/orchestration/nodes/n.go": "// Package nodes has nodes.\n" + code("nodes", "OURS/apps/alerts", "OURS/apps/orchestration/graph")}, nil},
		"a node imports a door":             {source{"apps/orchestration/nodes/n.go": "// Package nodes has nodes.\n" + code("nodes", "OURS/apps/api")}, []string{"imports apps/orchestration/nodes/n.go"}},
		"a door imports the server":         {source{"apps/web/w.go": "// Package web shows.\n" + code("web", "OURS/internal/server")}, []string{"imports apps/web/w.go"}},
		"a door's test meets the whole hub": {source{"apps/web/w.go": "// Package web shows.\npackage web\n", "apps/web/w_test.go": code("web_test", "OURS/internal/server/servertest")}, nil},
		"a door imports the registry":       {source{"apps/cli/c.go": "// Package cli commands.\n" + code("cli", "OURS/drivers/registry", "OURS/apps/alerts")}, nil},
		"a door imports a plugin":           {source{"apps/cli/c.go": "// Package cli commands.\n" + code("cli", "OURS/drivers/acme")}, []string{"imports apps/cli/c.go", "plugins apps/cli/c.go"}},
		"main imports an app":               {source{"cmd/hub/b.go": code("main", "OURS/apps/alerts")}, []string{"imports cmd/hub/b.go"}},
		"the worker imports a door":         {source{"internal/worker/b.go": code("worker", "OURS/apps/api")}, []string{"imports internal/worker/b.go"}},
		"plumbing imports an app":           {source{"internal/platform/clock/b.go": code("clock", "OURS/apps/event")}, []string{"imports internal/platform/clock/b.go"}},
		"storage imports migrations":        {source{"internal/platform/storage/s.go": "// Package storage stores.\n" + code("storage", "OURS/migrations", "OURS/internal/platform/clock")}, nil},
		"other plumbing imports migrations": {source{"internal/platform/clock/b.go": code("clock", "OURS/migrations")}, []string{"imports internal/platform/clock/b.go"}},
		"the words import a library":        {source{"apps/event/b.go": code("event", "github.com/x/y", "OURS/internal/platform/id")}, []string{"imports apps/event/b.go"}},
		"the words import plumbing":         {source{"apps/event/b.go": code("event", "OURS/internal/platform/clock")}, []string{"imports apps/event/b.go"}},
		"embedded files import code":        {source{"migrations/b.go": code("migrations", "OURS/internal/platform/clock")}, []string{"imports migrations/b.go"}},
		"a driver imports a driver":         {source{"drivers/acme/b.go": code("acme", "OURS/drivers/bolt")}, []string{"imports drivers/acme/b.go", "plugins drivers/acme/b.go"}},
		"a driver imports what all share":   {source{"drivers/acme/b.go": code("acme", "OURS/drivers/shape")}, nil},
		"a door imports what drivers share": {source{"apps/cli/c.go": "// Package cli commands.\n" + code("cli", "OURS/drivers/shape")}, []string{"imports apps/cli/c.go"}},
		"a driver imports an app":           {source{"drivers/acme/b.go": code("acme", "OURS/apps/alerts")}, []string{"imports drivers/acme/b.go"}},
		"code of a driver imports a suite":  {source{"drivers/acme/b.go": code("acme", "OURS/drivers/drivertest")}, []string{"imports drivers/acme/b.go"}},
		"a contract imports a plugin":       {source{"drivers/b.go": code("drivers", "OURS/drivers/acme")}, nil}, // what lies below: the compiler sees the cycle
		"a registry imports an app":         {source{"drivers/registry/b.go": code("registry", "OURS/apps/alerts")}, []string{"imports drivers/registry/b.go"}},

		"a provider with a database":    {source{"providers/p.go": "// Package providers analyse.\n" + code("providers", "OURS/internal/platform/storage")}, []string{"harmless providers/p.go"}},
		"a provider runs commands":      {source{"providers/p.go": "// Package providers analyse.\n" + code("providers", "os/exec")}, []string{"harmless providers/p.go"}},
		"a provider asks for an act":    {source{"providers/p.go": "// Package providers analyse.\npackage providers\n\ntype acts interface{ Resolve() }\n"}, []string{"harmless providers/p.go"}},
		"an analysis writes its table":  {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nvar s = storage.Insert(\"analyses\", nil, \"ON CONFLICT (id) DO UPDATE SET a = 1\")\n"}, nil},
		"an analysis writes another":    {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nvar s = storage.Update(\"incidents\", nil, \"\")\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis writes in words":   {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nconst s = `UPDATE incidents SET status = 'closed'`\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis writes by gorm":    {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nfunc f() { db.Save(1) }\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis writes in small":   {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nconst s = `update incidents set status = 'closed'`\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis drops a table":     {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\nconst s = `drop table incidents`\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis is given an act":   {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\ntype config struct{ Silence func() }\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis is given a note":   {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\ntype config struct{ Note func() }\n"}, nil},
		"an analysis asks for an act":   {source{"apps/intelligence/i.go": "// Package intelligence analyses.\npackage intelligence\n\ntype acts interface{ Silence() }\n"}, []string{"harmless apps/intelligence/i.go"}},
		"an analysis knows who is told": {source{"apps/intelligence/i.go": "// Package intelligence analyses.\n" + code("intelligence", "OURS/apps/notify")}, []string{"imports apps/intelligence/i.go", "harmless apps/intelligence/i.go"}},
		"a test of an analysis writes":  {source{"apps/intelligence/i_test.go": "// Package intelligence analyses.\npackage intelligence\n\nfunc f() { db.Save(1) }\n"}, nil},

		"a plugin without README":     {source{"drivers/acme/README.md": "-"}, []string{"plugins drivers/acme"}},
		"a plugin without test":       {source{"drivers/acme/acme_test.go": "-"}, []string{"plugins drivers/acme"}},
		"a driver without testdata":   {source{"drivers/acme/testdata/a/in.json": "-"}, []string{"plugins drivers/acme"}},
		"a plugin file of other name": {source{"drivers/acme/acme.go": "-", "drivers/acme/b.go": good()["drivers/acme/acme.go"]}, []string{"plugins drivers/acme"}},
		"a plugin without assertion":  {source{"drivers/acme/acme.go": "// Package acme reads Acme.\npackage acme\n\nimport \"OURS/drivers\"\n\nvar d drivers.Driver = Driver{}\n"}, []string{"plugins drivers/acme"}},
		"an assertion of another":     {source{"drivers/acme/acme.go": "// Package acme reads Acme.\npackage acme\n\nimport \"OURS/drivers\"\n\nvar _ drivers.Other = Driver{}\n"}, []string{"plugins drivers/acme"}},
		"a plugin that is not listed": {source{"drivers/registry/registry.go": "// Package registry lists drivers.\npackage registry\n"}, []string{"plugins drivers/acme"}},
		"a channel in its own folder": {source{
			"apps/notify/pigeon/pigeon.go":      "// Package pigeon flies.\npackage pigeon\n\nimport \"OURS/apps/notify/channel\"\n\nvar _ channel.Channel = Channel{}\n",
			"apps/notify/pigeon/pigeon_test.go": code("pigeon", "OURS/apps/notify/channeltest"),
			"apps/notify/pigeon/README.md":      "",
			"apps/notify/registry/registry.go":  "// Package registry lists channels.\n" + code("registry", "OURS/apps/notify/pigeon"),
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, check(t, tt.change)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pattern, path string
		want          bool
	}{
		"same":             {"apps/alerts", "apps/alerts", true},
		"below":            {"apps/alerts", "apps/alerts/fold", false},
		"prefix of a name": {"apps/alert/...", "apps/alerts", false},
		"rest":             {"apps/alerts/...", "apps/alerts/a/b", true},
		"rest is nothing":  {"apps/alerts/...", "apps/alerts", true},
		"star":             {"drivers/*", "drivers/acme", true},
		"star is one name": {"drivers/*", "drivers/acme/x", false},
		"star is a name":   {"drivers/*", "drivers", false},
		"everything":       {"...", "x/y", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := matches(tt.pattern, tt.path); got != tt.want {
				t.Errorf("matches(%q, %q) = %t, want %t", tt.pattern, tt.path, got, tt.want)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fstest.MapFS{
		"no module":    {"a.go": {Data: []byte("package a")}},
		"broken file":  {"go.mod": {Data: []byte("module m\n")}, "a.go": {Data: []byte("package")}},
		"broken value": {"go.mod": {Data: []byte("module m\n")}, "a.go": {Data: []byte("package a\nimport \"\\q\"")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tree, err := Load(files); err == nil {
				t.Errorf("Load = %v, want an error", tree)
			}
		})
	}
}
