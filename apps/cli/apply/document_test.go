package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/orchestration"
)

func TestReadProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"everything at once": {
			`
sources:
  - name: prod
    drivr: alertmanager
    is_active: "yes"
    group_by: 7
  - name: prod
    signature: md5
channels:
  - driver: webhook
    config: [1]
  - just text
  - name: ops
    config:
      token: ${UNSET} and ${ALSO_UNSET}
      list:
        - ${IN_A_LIST}
pipelines:
  - name: p
    tags: {a: b}
    config: 1
monitors: []
providers:
  - name: a
    is_active: true
  - name: b
    kind: openai
    is_active: true
`,
			[]string{
				`line 4: source "prod": drivr: unknown field; known are name, driver, source_name, description, is_active, group_by, signature, signature_secret, signature_previous, key`,
				`line 5: source "prod": is_active: must be true or false`,
				`line 6: source "prod": group_by: must be a list of label names, or the word vendor`,
				`line 7: source "prod": this name is also on line 3; names are unique`,
				`line 8: source "prod": signature: unknown signature scheme "md5"; known are [pagerduty grafana newrelic generic]`,
				`line 10: channel "": name: every entry needs a name`,
				`line 11: channel "": config: must be a mapping`,
				`line 12: a channel must have at least a name: write - name: …`,
				`line 15: channel "ops": config: the environment variable UNSET is not set (write $${ for a plain ${)`,
				`line 15: channel "ops": config: the environment variable ALSO_UNSET is not set (write $${ for a plain ${)`,
				`line 17: channel "ops": config: the environment variable IN_A_LIST is not set (write $${ for a plain ${)`,
				`line 20: pipeline "p": tags: must be a list of texts`,
				`line 21: pipeline "p": config: must be a mapping`,
				`line 22: unknown key "monitors"; known are channels, providers, sources, silences and pipelines`,
				`line 27: provider "b": kind: unknown field; known are name, provider, config, description, is_active`,
				`line 28: provider "b": is_active: only one provider can be active, and "a" on line 24 is`,
			},
		},
		"a key twice": {"sources:\n  - name: a\n    name: b\n", []string{`line 3: not valid YAML: mapping key "name" already defined at [2:5]`}},
		"anchors, aliases, tags": {
			"sources:\n  - &a\n    name: x\n  - *a\n  - name: !!str y\n",
			[]string{
				"line 2: anchors and aliases are not accepted; write the value out",
				"line 4: anchors and aliases are not accepted; write the value out",
				"line 5: tags are not accepted; write the plain value",
			},
		},
		"merge key":         {"sources:\n  - <<: {name: a}\n", []string{"line 2: a key must be plain text"}},
		"not YAML":          {"sources:\n  - name: [a\n", []string{"line 2: not valid YAML: sequence end token ']' not found"}},
		"two documents":     {"sources: []\n---\nsources: []\n", []string{"line 3: the file holds several documents; keep one"}},
		"a list":            {"- a\n", []string{"line 1: begin with one of channels, providers, sources, silences and pipelines, and a list under it"}},
		"not a list":        {"sources:\n  name: a\n", []string{"line 1: sources must be a list; begin each entry with a dash"}},
		"not a number":      {"channels:\n  - name: a\n    config: {n: .nan}\n", []string{"line 3: this value is not accepted; write text, a number, true or false"}},
		"deep brackets":     {"a: " + strings.Repeat("[", 100_000), []string{"line 1: nested deeper than 100 levels"}},
		"deep dashes":       {"a:\n" + strings.Repeat("- ", 100_000), []string{"line 2: nested deeper than 100 levels"}},
		"larger than a MiB": {strings.Repeat("#\n", 1<<19) + "#", []string{"the file has 1048577 bytes, at most 1048576 are accepted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apply.Read([]byte(tt.file), env())
			if _, ok := errors.AsType[*apply.Problems](err); !ok {
				t.Fatalf("Read = %v, want *Problems", err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "# only words\n", "---\n", "null\n", "sources:\nchannels: []\n"} {
		if _, err := apply.Read([]byte(file), env()); err != nil {
			t.Errorf("Read(%q) = %v", file, err)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	doc := read(t, `
pipelines:
  - name: p
    config:
      version: 1.0
      nodes:
        - {id: a, type: notify, config: {channels: [ops]}, next: nowhere}
`, env())
	problems, ok := doc.Lint(orchestration.Known{Channels: []string{"inbox"}})
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	text := strings.Join(got, "\n")
	if ok || !strings.Contains(text, `line 5: pipeline "p": config.version: `) || !strings.Contains(text, `line 7: pipeline "p": config.nodes.0.next: `) ||
		!strings.Contains(text, "config.nodes.0.config.channels.0: warning: ") {
		t.Errorf("ok %t\n%s", ok, text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("sources:\n  - name: a\n    group_by: [x]\nchannels:\n  - {name: b, config: {token: \"${X}\"}}\npipelines:\n  - name: c\n    config: {}\n")
	f.Add("a: &a [*a]\n? b\n: c\n<<: |\n  x\n")
	f.Fuzz(func(t *testing.T, file string) {
		doc, err := apply.Read([]byte(file), env("X", "y"))
		if err == nil {
			doc.Lint(orchestration.Known{})
		}
	})
}
