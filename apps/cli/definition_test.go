package cli_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/incidenthub/incidenthub/apps/cli"
)

const (
	oldConfig = `{"version":"1.0","nodes":[{"id":"in","type":"ingest","next":"out"},{"id":"out","type":"notify","when":"severity != 'info'","config":{"channels":["ops"]}}]}`
	newConfig = `{"version":"1.0","trigger":{"priority":5},"nodes":[{"id":"in","type":"ingest","next":"out"},{"id":"out","type":"notify","config":{"channels":["*"]}}]}`
)

// definitionsAPI answers as a hub that has one definition in three versions.
func definitionsAPI(t *testing.T) (*api, *shell) {
	t.Helper()
	one := `{"name":"mine","description":` + text(hostile) + `,"version":3,"config":` + newConfig + `,"tags":["a","b"],"is_active":true,"node_count":2,
		"created_by":"ada","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-02T12:00:00Z",
		"schedule":{"next":"2026-03-03T04:00:00Z","last":[{"slot":"2026-03-02T04:00:00Z","fired_at":"2026-03-02T04:00:01Z","run_id":"the-run"}]}}`
	path := "/api/v1/definitions"
	a := newAPI(t, map[string]string{
		"GET " + path:                               `{"items":[` + one + `],"next_cursor":""}`,
		"POST " + path:                              strings.Replace(one, `"version":3`, `"version":1`, 1),
		"GET " + path + "/mine":                     one,
		"PATCH " + path + "/mine":                   strings.Replace(one, `"version":3`, `"version":4`, 1),
		"GET " + path + "/mine/versions":            `{"items":[{"version":3,"created_by":"bob","created_at":"2026-03-02T12:00:00Z"}],"next_cursor":"3"}`,
		"GET " + path + "/mine/versions/1":          `{"version":1,"config":` + oldConfig + `,"created_by":"ada"}`,
		"POST " + path + "/mine/versions/1/restore": strings.Replace(one, `"version":3`, `"version":4`, 1),
		"POST " + path + "/mine/clone":              `{"name":"two","version":1,"is_active":false}`,
		"GET " + path + "/mine/diff": `{"name":"mine","from":2,"to":3,"same":false,"nodes_added":[{"id":"n","type":"ingest","pointer":"/nodes/1","node":{"id":"n"}}],
			"nodes_removed":[{"id":"o","type":"ingest","pointer":"/nodes/2","node":{"id":"o"}}],
			"nodes_changed":[{"id":"out","type":"notify","pointer":"/nodes/0","changes":[{"op":"removed","pointer":"/nodes/1/when","from":"a < b"}]}],
			"trigger":[{"op":"added","pointer":"/trigger","to":{"priority":5}}],"defaults":[{"op":"changed","pointer":"/defaults/max_retries","from":1,"to":2}],
			"other":[{"op":"moved","pointer":"/nodes","from":["a"],"to":["b"]}]}`,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	return a, s
}

func TestDefinitionReads(t *testing.T) {
	t.Parallel()
	a, s := definitionsAPI(t)
	for _, tt := range []struct {
		args  []string
		asked string
		want  []string
	}{
		{[]string{"list"}, "GET /api/v1/definitions?include_inactive=true", []string{"mine  v3       active  2      a,b   2026-03-02 12:00:00Z  disk  [2J full"}},
		{[]string{"list", "--active"}, "GET /api/v1/definitions?include_inactive=false", []string{"mine"}},
		{
			[]string{"show", "mine"},
			"GET /api/v1/definitions/mine",
			[]string{
				"mine v3, active\nmade 2026-03-01 12:00:00Z by ada", "tags: a, b", "disk  [2J full", "TRIGGER\n{\"priority\":5}",
				"next start 2026-03-03 04:00:00Z", "2026-03-02 04:00:00Z  2026-03-02 04:00:01Z  the-run", "in    ingest        out", `{"channels":["*"]}`,
			},
		},
		{[]string{"versions", "mine", "--limit", "1", "--cursor", "4"}, "GET /api/v1/definitions/mine/versions?cursor=4&limit=1", []string{"3        2026-03-02 12:00:00Z  bob", "--cursor 3"}},
		{
			[]string{"diff", "mine", "--from", "2", "--to", "3"},
			"GET /api/v1/definitions/mine/diff?from=2&to=3",
			[]string{
				"mine: version 2 and version 3", "node removed      /nodes/2", "node added        /nodes/1", "node out removed  /nodes/1/when", "a < b",
				"trigger added", "defaults changed", "moved", `["a"]`,
			},
		},
		{[]string{"diff", "mine"}, "GET /api/v1/definitions/mine/diff", nil},
	} {
		out := s.ok(t, "", append([]string{"definition"}, tt.args...)...)
		if asked := a.asked[len(a.asked)-1]; asked != tt.asked {
			t.Errorf("%v asked %s, want %s", tt.args, asked, tt.asked)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", tt.args, want, out)
			}
		}
		if strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%v steers the terminal: %q", tt.args, out)
		}
		var whole map[string]any
		decode(t, s.ok(t, "", slices.Concat([]string{"definition"}, tt.args, []string{"--json"})...), &whole)
		if len(whole) == 0 {
			t.Errorf("%v --json is empty", tt.args)
		}
	}
	if r := s.run(t, "", "definition", "show", "nobody"); r.code != cli.ExitFailed || !strings.Contains(r.err, "not found") {
		t.Errorf("a missing one: %+v", r)
	}
}

func TestDefinitionChanges(t *testing.T) {
	t.Parallel()
	a, s := definitionsAPI(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bare := file("other.json", newConfig)
	wrapped := file("w.json", `{"name":"mine","tags":[],"config":`+newConfig+`}`)
	for name, tt := range map[string]struct {
		in    string
		args  []string
		asked string // the last request
		out   string
	}{
		"restore": {"", []string{"restore", "mine", "1"}, "POST /api/v1/definitions/mine/versions/1/restore", "mine is at version 4, active"},
		"clone":   {"", []string{"clone", "mine", "two"}, `POST /api/v1/definitions/mine/clone {"name":"two"}`, "two is at version 1, not active"},
		"a definition alone takes the file's name": {
			"", []string{"import", bare}, `POST /api/v1/definitions {"name":"other","config":` + newConfig + `}`, "mine is at version 1",
		},
		"from standard input under a name": {
			newConfig, []string{"import", "-", "--name", "third", "--inactive"}, `POST /api/v1/definitions {"name":"third","is_active":false,"config":` + newConfig + `}`, "",
		},
		"over one that exists": {
			"", []string{"import", wrapped, "--replace"}, `PATCH /api/v1/definitions/mine {"name":"mine","tags":[],"config":` + newConfig + `,"version":3}`, "mine is at version 4",
		},
	} {
		out := s.ok(t, tt.in, append([]string{"definition"}, tt.args...)...)
		if diff := cmp.Diff(tt.asked, a.asked[len(a.asked)-1]); diff != "" || !strings.Contains(out, tt.out) {
			t.Errorf("%s: %s\nprinted %s", name, diff, out)
		}
	}
	for name, tt := range map[string]struct {
		in   string
		args []string
		want string
	}{
		"over one that exists, unasked": {"", []string{"import", wrapped}, "--replace"},
		"no name":                       {newConfig, []string{"import", "-"}, "--name"},
		"no JSON":                       {"version: 1", []string{"import", "-", "--name", "x"}, "no pipeline definition"},
		"null":                          {"null", []string{"import", "-", "--name", "x"}, "not a JSON object"},
		"a number as name":              {`{"name":1,"config":{}}`, []string{"import", "-"}, "read the pipeline"},
		"no file":                       {"", []string{"import", filepath.Join(dir, "none.json")}, "none.json"},
		"diff with both":                {"", []string{"diff", "mine", "--to", "2", "--file", bare}, "--to"},
		"diff with no JSON":             {"[]", []string{"diff", "mine", "--file", "-"}, "no pipeline definition"},
	} {
		before := len(a.asked)
		r := s.run(t, tt.in, append([]string{"definition"}, tt.args...)...)
		if r.code != cli.ExitFailed || !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: %+v, want %q", name, r, tt.want)
		}
		for _, asked := range a.asked[before:] {
			if !strings.HasPrefix(asked, "GET ") {
				t.Errorf("%s: changed something: %s", name, asked)
			}
		}
	}
}

// TestDefinitionExport writes what import and lint read.
func TestDefinitionExport(t *testing.T) {
	t.Parallel()
	a, s := definitionsAPI(t)
	whole := s.ok(t, "", "definition", "export", "mine")
	s.ok(t, whole, "definition", "import", "-", "--replace")
	var sent, exported map[string]any
	_, body, _ := strings.Cut(a.asked[len(a.asked)-1], " /api/v1/definitions/mine ")
	decode(t, body, &sent)
	decode(t, whole, &exported)
	exported["version"] = 3.0
	if diff := cmp.Diff(exported, sent); diff != "" {
		t.Errorf("what was exported and what import sent: %s", diff)
	}
	if keys := slices.Sorted(maps.Keys(exported)); !slices.Equal(keys, []string{"config", "description", "is_active", "name", "tags", "version"}) {
		t.Errorf("exported %v", keys)
	}
	for version, want := range map[string]string{"0": newConfig, "1": oldConfig} {
		var got, wanted any
		config := s.ok(t, "", "definition", "export", "mine", "--config", "--version", version)
		decode(t, config, &got)
		decode(t, want, &wanted)
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("config of version %s: %s", version, diff)
		}
		s.ok(t, config, "lint", "-")
	}
	if out := s.ok(t, newConfig, "definition", "diff", "mine", "--file", "-"); !strings.Contains(out, "no difference") {
		t.Errorf("the newest and itself:\n%s", out)
	}
	out := s.ok(t, newConfig, "definition", "diff", "mine", "--from", "1", "--file", "-")
	for _, want := range []string{"mine: version 1 and -", "node out removed", "/nodes/1/config/channels", `["ops"]`, "trigger added"} {
		if !strings.Contains(out, want) {
			t.Errorf("version 1 and a file: no %q in\n%s", want, out)
		}
	}
	var diff struct {
		From    int64 `json:"from"`
		Same    bool  `json:"same"`
		Changed []any `json:"nodes_changed"`
	}
	decode(t, s.ok(t, whole, "definition", "diff", "mine", "--from", "1", "--file", "-", "--json"), &diff)
	if diff.From != 1 || diff.Same || len(diff.Changed) != 1 {
		t.Errorf("%+v", diff)
	}
}

// TestSchemaDefinition checks every preset by the schema that is printed.
func TestSchemaDefinition(t *testing.T) {
	t.Parallel()
	out := newShell(t).ok(t, "", "schema", "definition")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pipeline.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("pipeline.json")
	if err != nil {
		t.Fatal(err)
	}
	presets, err := filepath.Glob("../../pipelines/*.json")
	if err != nil || len(presets) == 0 {
		t.Fatal(presets, err)
	}
	for _, name := range presets {
		config, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		good, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var bad map[string]any
		if err := json.Unmarshal(config, &bad); err != nil {
			t.Fatal(err)
		}
		bad["nodes"].([]any)[0].(map[string]any)["config"] = map[string]any{"no_such_key": 1}
		if schema.Validate(bad) == nil {
			t.Errorf("%s: the schema takes an unknown config key", name)
		}
	}
}
