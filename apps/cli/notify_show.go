package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// previewLines of a piece are shown where there are several channels.
const previewLines = 40

// sayPreviews shows messages, one below the other or in columns.
func (p *Program) sayPreviews(list []wirePreview, beside bool) {
	most := previewLines
	if len(list) == 1 {
		most = 0
	}
	cards := make([][]string, len(list))
	for i, one := range list {
		cards[i] = one.lines(most)
	}
	if beside {
		p.columns(cards)
		return
	}
	for i, card := range cards {
		if i > 0 {
			p.say("")
		}
		for _, line := range card {
			p.say("%s", line)
		}
	}
}

// lines are a message for people, harmless for a terminal; most lines of each piece, 0 for all.
func (v wirePreview) lines(most int) []string {
	head := fmt.Sprintf("=== %s (%s", clean(v.Channel), clean(v.Driver))
	if !v.IsActive && v.Channel != v.Driver {
		head += ", inactive"
	}
	if v.Parts > 1 {
		head += fmt.Sprintf(", %d parts", v.Parts)
	}
	if v.Bytes > 0 {
		head += fmt.Sprintf(", %d bytes", v.Bytes)
	}
	out := []string{head + ")"}
	for _, r := range v.remarks() {
		out = append(out, "! "+clean(r))
	}
	for _, s := range v.Shown {
		out = append(out, "", clean(s.Name)+":")
		if s.document() {
			out = append(out, fmt.Sprintf("  (%d bytes of HTML; --save writes it into a file for a browser)", len(s.Text)))
			continue
		}
		lines := s.lines()
		for i, line := range lines {
			if most > 0 && i == most {
				out = append(out, fmt.Sprintf("  (%d lines more; name the channel to see them)", len(lines)-most))
				break
			}
			out = append(out, strings.TrimRight("  "+clean(line), " "))
		}
	}
	return out
}

// document reports whether a piece is a page of HTML, which says nothing at a terminal; a few marks in a text do.
func (s previewPiece) document() bool {
	start := strings.ToLower(s.Text[:min(len(s.Text), 200)])
	return s.Media == "text/html" && (strings.Contains(start, "<!doctype") || strings.Contains(start, "<html"))
}

func (s previewPiece) lines() []string {
	text := s.Text
	if b := new(bytes.Buffer); s.Media == "application/json" && json.Indent(b, []byte(text), "", "  ") == nil {
		text = b.String()
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// The least width of a column, the width where nobody knows the terminal's, and what is between columns.
const (
	narrowest = 40
	usually   = 160
	between   = " │ "
)

// columns shows cards beside each other, as many in a row as fit.
func (p *Program) columns(cards [][]string) {
	width := p.width()
	n := min(len(cards), max(1, (width+3)/(narrowest+3)))
	each := max(narrowest, (width-3*(n-1))/n)
	for from := 0; from < len(cards); from += n {
		if from > 0 {
			p.say("")
		}
		row, longest := make([][]string, 0, n), 0
		for _, card := range cards[from:min(len(cards), from+n)] {
			var lines []string
			for _, line := range card {
				lines = append(lines, wrap(line, each)...)
			}
			row, longest = append(row, lines), max(longest, len(lines))
		}
		for i := range longest {
			parts := make([]string, len(row))
			for j, lines := range row {
				text := ""
				if i < len(lines) {
					text = lines[i]
				}
				parts[j] = text + strings.Repeat(" ", max(0, each-cellsOf(text)))
			}
			p.say("%s", strings.TrimRight(strings.Join(parts, between), " "))
		}
	}
}

// width is how many characters fit into a line.
func (p *Program) width() int {
	if n, err := strconv.Atoi(p.Getenv("COLUMNS")); err == nil && n > 0 {
		return min(n, 1000)
	}
	if f, ok := p.Out.(*os.File); ok {
		if n := terminalWidth(f); n > 0 {
			return n
		}
	}
	return usually
}

// wrap breaks a line at spaces where it can; what goes on is indented as its beginning is.
func wrap(line string, width int) (out []string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if len(indent) > width/2 {
		indent = ""
	}
	for cellsOf(line) > width {
		end, space, used := 0, 0, 0
		for i, r := range line {
			if used += cellsOfRune(r); used > width {
				break
			}
			end = i + utf8.RuneLen(r)
			if r == ' ' && i >= len(indent) {
				space = i
			}
		}
		if space > len(indent) {
			end = space
		}
		out = append(out, strings.TrimRight(line[:end], " "))
		line = indent + strings.TrimLeft(line[end:], " ")
	}
	return append(out, line)
}

func cellsOf(s string) (n int) {
	for _, r := range s {
		n += cellsOfRune(r)
	}
	return n
}

// cellsOfRune is how wide terminals draw a character: East Asian writing and pictures take two places, marks that combine none.
func cellsOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x3000 && r <= 0x303F, r >= 0xFF01 && r <= 0xFF60, r >= 0x1F300 && r <= 0x1FAFF:
		return 2
	default:
		return 1
	}
}

// savePreviews writes each piece into a file of its own, named by channel and piece.
func (p *Program) savePreviews(dir string, list []wirePreview) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for previews: %w", err)
	}
	used := map[string]bool{}
	for _, one := range list {
		for _, s := range one.Shown {
			base, end := fileWord(one.Channel)+"."+fileWord(s.Name), ".txt"
			switch s.Media {
			case "text/html":
				end = ".html"
			case "application/json":
				end = ".json"
			}
			name := base + end
			for n := 2; used[name]; n++ {
				name = base + "-" + strconv.Itoa(n) + end
			}
			used[name] = true
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(s.Text), 0o600); err != nil {
				return fmt.Errorf("write a preview: %w", err)
			}
			p.warn("wrote %s", path)
		}
	}
	return nil
}

// fileWord is a name that is safe in a folder: letters, digits, - and _.
func fileWord(s string) string {
	word := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' {
			return unicode.ToLower(r)
		}
		return '-'
	}, cut(strings.ToValidUTF8(s, "-"), 60))
	if word == "" {
		return "message"
	}
	return word
}
