package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// TestCommandLines has every command line of the pages read by the command line's own parser.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, m := range readMarkdown(t) {
		var lines []string
		for _, b := range m.blocks {
			switch b.lang {
			case "sh", "bash", "console", "indented":
				lines = append(lines, b.text)
			case "text": // output; examples in it are indented
				for line := range strings.Lines(b.text) {
					if strings.HasPrefix(line, "    ") {
						lines = append(lines, line)
					}
				}
			}
		}
		for _, s := range m.spans() {
			if strings.HasPrefix(s, "incidenthub ") && !strings.ContainsAny(s, "<…") {
				lines = append(lines, s)
			}
		}
		for _, args := range commandLines(strings.Join(lines, "\n")) {
			seen++
			var out bytes.Buffer
			if code := parse(t.Context(), &out, args); code != cli.ExitOK {
				t.Errorf("%s: incidenthub %s: %s", m.path, strings.Join(args, " "), strings.TrimSpace(out.String()))
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d command lines found", seen)
	}
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	word      = regexp.MustCompile(`'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"|;&()<>]+|[|;&()<>]+`)
	setting   = regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`)
	operator  = regexp.MustCompile(`^[|;&()<>]+$`)
)

// commandLines finds calls of incidenthub in shell text and gives their arguments.
func commandLines(shell string) [][]string {
	var out [][]string
	for line := range strings.Lines(continued.ReplaceAllString(shell, " ")) {
		comment, _, _ := strings.Cut(line, " #")
		var words []string
		flush := func() {
			if args, ok := ours(words); ok {
				out = append(out, args)
			}
			words = nil
		}
		for _, w := range word.FindAllString(comment, -1) {
			if operator.MatchString(w) {
				flush()
				if strings.ContainsAny(w, "<>") {
					words = []string{"redirected"} // what follows is a file
				}
				continue
			}
			if n := len(words); n > 0 && setting.MatchString(words[n-1]) && strings.HasSuffix(words[n-1], "=") {
				words[n-1] += strings.Trim(w, `'"`) // NAME="value"
				continue
			}
			words = append(words, strings.Trim(w, `'"`))
		}
		flush()
	}
	return out
}

// ours gives the arguments of a command if it is the hub's.
func ours(words []string) ([]string, bool) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "$" || w == "…" })
	for len(words) > 0 && (setting.MatchString(words[0]) || words[0] == "sudo" || words[0] == "exec") {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
		return nil, false
	case slices.Contains([]string{"incidenthub", "./incidenthub", "bin/incidenthub"}, words[0]):
		return words[1:], true
	case words[0] == "go" && slices.Contains(words, "./cmd/incidenthub"):
		return words[slices.Index(words, "./cmd/incidenthub")+1:], words[1] == "run"
	default:
		return nil, false
	}
}

func TestCommandLinesAreFound(t *testing.T) {
	t.Parallel()
	const shell = `
echo incidenthub; ls
incidenthub serve --listen :8080 # all of them
  HUB_X=1 HUB_Y="a b" incidenthub apply -f hub.yaml \
    --dry-run && incidenthub ledger | head
cat x | incidenthub parse - > out
go run ./cmd/incidenthub serve
go build -o bin/incidenthub ./cmd/incidenthub
`
	want := [][]string{
		{"serve", "--listen", ":8080"}, {"apply", "-f", "hub.yaml", "--dry-run"}, {"ledger"}, {"parse", "-"}, {"serve"},
	}
	if diff := cmp.Diff(want, commandLines(shell)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range [][]string{{"sirve"}, {"serve", "--lissen", "x"}, {"ledger", "extra"}, {"incident", "bend", "1"}} {
		var out bytes.Buffer
		if code := parse(t.Context(), &out, bad); code == cli.ExitOK {
			t.Errorf("incidenthub %s passes", strings.Join(bad, " "))
		}
	}
}

// TestDefinitions has every pipeline definition and every configuration file of the pages linted; warnings count.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	definitions, files := 0, 0
	for _, m := range readMarkdown(t) {
		for _, b := range m.blocks {
			var text string
			switch b.lang {
			case "json":
				if text = definitionIn(b.text); text != "" {
					definitions++
				}
			case "yaml":
				if regexp.MustCompile(`(?m)^(?:sources|channels|pipelines):`).MatchString(b.text) {
					text = b.text
					files++
				}
			}
			if text == "" {
				continue
			}
			var out bytes.Buffer
			p := cli.Program{In: strings.NewReader(text), Out: &out, Err: &out, Getenv: func(string) string { return "" }}
			code := cli.Run(t.Context(), p, []string{"lint", "-"})
			if code != cli.ExitOK || strings.TrimSpace(out.String()) != "-: ok" {
				t.Errorf("%s: exit code %d: %s\n%s", m.path, code, out.String(), text)
			}
		}
	}
	if definitions < 2 || files < 2 {
		t.Errorf("%d definitions and %d configuration files found", definitions, files)
	}
}

// definitionIn returns the pipeline definition in a JSON text, "" if there is none: the text itself, or its config.
func definitionIn(text string) string {
	var body map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &body) != nil {
		return ""
	}
	if body["nodes"] != nil && body["version"] != nil {
		return text
	}
	var config map[string]json.RawMessage
	if json.Unmarshal(body["config"], &config) == nil && config["nodes"] != nil {
		return string(body["config"])
	}
	return ""
}
