package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// markdown is one file, taken apart as far as the checks need it.
type markdown struct {
	path   string
	prose  string // without code blocks and comments
	blocks []block
}

// block is fenced code, or indented code with the language "indented".
type block struct{ lang, text string }

// readMarkdown reads every Markdown file of the repository.
func readMarkdown(t *testing.T) []markdown {
	t.Helper()
	var out []markdown
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "bin" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".md"):
			return nil
		}
		raw, err := os.ReadFile(root + "/" + path)
		if err != nil {
			return err
		}
		out = append(out, takeApart(path, string(raw)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 30 {
		t.Fatalf("only %d Markdown files found", len(out))
	}
	return out
}

var fence = regexp.MustCompile("^ *(```+)([a-z]*)")

func takeApart(path, raw string) markdown {
	m := markdown{path: path}
	var prose, code strings.Builder
	open, lang := "", ""
	end := func() {
		if code.Len() > 0 || open != "" {
			m.blocks = append(m.blocks, block{lang, code.String()})
			code.Reset()
		}
	}
	for line := range strings.Lines(raw) {
		f := fence.FindStringSubmatch(line)
		switch {
		case open != "" && f != nil && strings.HasPrefix(f[1], open):
			end()
			open, lang = "", ""
		case open != "":
			code.WriteString(line)
		case f != nil:
			end()
			open, lang = f[1], f[2]
		case strings.HasPrefix(line, "    "):
			lang = "indented"
			code.WriteString(line)
		default:
			end()
			prose.WriteString(line)
		}
	}
	end()
	m.prose = prose.String()
	return m
}

var span = regexp.MustCompile("`([^`\n]+)`")

// spans are the texts in code style.
func (m markdown) spans() []string {
	var out []string
	for _, s := range span.FindAllStringSubmatch(m.prose, -1) {
		out = append(out, s[1])
	}
	return out
}

func TestTakeApart(t *testing.T) {
	t.Parallel()
	m := takeApart("x.md", "# A `b`\n\n```sh\nls\n```\n\n    indented\n\n  ```json\n  {}\n  ```\nend\n")
	if len(m.blocks) != 3 || m.blocks[0] != (block{"sh", "ls\n"}) || m.blocks[1] != (block{"indented", "    indented\n"}) || m.blocks[2] != (block{"json", "  {}\n"}) {
		t.Errorf("blocks %q", m.blocks)
	}
	if s := m.spans(); len(s) != 1 || s[0] != "b" || !strings.HasSuffix(m.prose, "end\n") || strings.Contains(m.prose, "ls") {
		t.Errorf("spans %q of %q", s, m.prose)
	}
}
