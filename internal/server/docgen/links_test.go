package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`(?:\]\(|src="|srcset="|href=")([^)\s"]+)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	ourPath = regexp.MustCompile(`^(?:apps|cmd|drivers|internal|migrations|pipelines|templates|deploy|\.ci)/[\w./-]*\w$`)
	testFn  = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w+$`)
)

// TestLinks holds that what the pages point to is there: files, headings, paths and tests written as code.
func TestLinks(t *testing.T) {
	t.Parallel()
	files := readMarkdown(t)
	anchors := map[string]map[string]bool{}
	for _, m := range files {
		anchors[m.path] = map[string]bool{}
		for _, h := range heading.FindAllStringSubmatch(m.prose, -1) {
			anchors[m.path][slug(h[1])] = true
		}
	}
	tests := testNames(t)
	links, paths, named := 0, 0, 0
	for _, m := range files {
		for _, found := range link.FindAllStringSubmatch(span.ReplaceAllString(m.prose, ""), -1) {
			to := found[1]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(to, "#")
			target := m.path
			if file != "" {
				target = path.Join(path.Dir(m.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil || strings.HasPrefix(target, "..") {
				t.Errorf("%s: the link %s leads nowhere", m.path, to)
			} else if anchor != "" && !anchors[target][anchor] {
				t.Errorf("%s: the link %s leads to no heading of %s", m.path, to, target)
			}
		}
		for _, s := range m.spans() {
			switch {
			case ourPath.MatchString(s):
				paths++
				if _, err := os.Stat(filepath.Join(root, s)); err != nil {
					t.Errorf("%s: there is no %s", m.path, s)
				}
			case testFn.MatchString(s):
				named++
				if !tests[s] {
					t.Errorf("%s: there is no test %s", m.path, s)
				}
			}
		}
	}
	if links < 20 || paths < 20 || named < 10 {
		t.Errorf("%d links, %d paths, %d tests: the pages are not read right", links, paths, named)
	}
}

// slug is the anchor that GitHub makes of a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		default:
			return -1
		}
	}, strings.TrimSpace(heading))
}

var testDecl = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)

// testNames are the tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(root, name))
		for _, f := range testDecl.FindAllStringSubmatch(string(raw), -1) {
			out[f[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"What a `when` reads": "what-a-when-reads", "Backup, restore": "backup-restore", "A_b-C 2": "a_b-c-2"} {
		if got := slug(in); got != want {
			t.Errorf("slug(%q) = %q, want %q", in, got, want)
		}
	}
}
