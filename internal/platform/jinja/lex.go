package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// lex cuts a template into tokens and refuses what the parser would take wrongly or for too long.
func lex(source string, cfg *config.Config) ([]*tokens.Token, error) {
	l := tokens.NewLexer(source, cfg)
	broke := false
	go func() {
		defer func() {
			if recover() != nil {
				broke = true
				close(l.Tokens)
			}
		}()
		l.Run()
	}()
	var all []*tokens.Token
	for t := range l.Tokens {
		all = append(all, t)
	}
	if broke {
		return nil, failed(0, "cannot be read")
	}
	tidy(all)
	var kept []*tokens.Token
	n := nesting{}
	for i, t := range all {
		if t.Line == 0 && t.Pos <= len(source) {
			t.Line = 1 + strings.Count(source[:t.Pos], "\n")
		}
		if err := mend(source, t); err != nil {
			return nil, err
		}
		if t.Type == tokens.Whitespace {
			continue
		}
		if err := n.look(all, i); err != nil {
			return nil, err
		}
		kept = append(kept, t)
	}
	return kept, nil
}

// mend looks at one token. gonja's lexer skips characters that it does not know and adds them to the token that follows: line breaks are
// taken off, others are refused.
func mend(source string, t *tokens.Token) error {
	switch t.Type { //nolint:exhaustive // the others follow
	case tokens.Error:
		return failed(t.Line, "cannot be read: %s", short(t.Val))
	case tokens.Multiply, tokens.Power:
		return failed(t.Line, "* and ** are not available: write x|mul(2)")
	case tokens.Data, tokens.EOF, tokens.CommentBegin, tokens.CommentEnd, tokens.BlockBegin, tokens.VariableBegin:
		if t.Type == tokens.EOF && strings.TrimSpace(source[min(t.Pos, len(source)):]) != "" {
			return failed(t.Line, "a tag is not closed")
		}
		return nil
	case tokens.Whitespace:
		if rest := strings.Trim(t.Val, " \t\n"); rest != "" {
			return failed(t.Line, "%q has no meaning here", short(rest))
		}
		return nil
	}
	raw := source[min(t.Pos, len(source)):]
	junk := len(raw) - len(strings.TrimLeft(raw, "\n"))
	r, size := utf8.DecodeRuneInString(raw[junk:])
	if size > 0 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_\"'()[]{}<>=!+-~|.,:/%", r) {
		return failed(t.Line, "%q has no meaning here", string(r))
	}
	if junk > 0 {
		t.Val = t.Val[min(junk, len(t.Val)):] // of a string gonja took a break for the opening quote: as many characters are too much
		t.Line += junk
	}
	return nil
}

// nesting counts how deep a template goes before it is parsed, for the parser goes as deep as the text says.
type nesting struct{ brackets, blocks int }

func (n *nesting) look(all []*tokens.Token, i int) error {
	t := all[i]
	switch t.Type {
	case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
		n.brackets++
	case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
		n.brackets--
	case tokens.VariableBegin:
		n.brackets = 0
	case tokens.BlockBegin:
		n.brackets = 0
		for _, next := range all[i+1:] {
			if next.Type == tokens.Whitespace {
				continue
			}
			switch name := strings.TrimSpace(next.Val); {
			case strings.HasPrefix(name, "end"):
				n.blocks--
			case name == "if", name == "for", name == "with", name == "filter", name == "set", name == "raw":
				n.blocks++ // a set without a body counts until its block ends; see below
				if name == "set" && assigns(all[i+1:]) {
					n.blocks--
				}
			}
			break
		}
	default:
		return nil
	}
	if n.brackets > MaxNesting || n.blocks > MaxNesting {
		return failed(t.Line, "goes deeper than %d levels", MaxNesting)
	}
	return nil
}

// assigns reports whether a set tag has a value, and so no body.
func assigns(rest []*tokens.Token) bool {
	for _, t := range rest {
		if t.Type == tokens.Assign {
			return true
		}
		if t.Type == tokens.BlockEnd || t.Type == tokens.EOF {
			return false
		}
	}
	return false
}

// tidy takes out lines that hold nothing but tags and comments, whole; gonja's own TrimBlocks and LeftStripBlocks would also join lines that
// end with a tag, and drop spaces in front of tags inside a line.
func tidy(all []*tokens.Token) {
	var before []*tokens.Token // texts without a character on the line so far
	tags, bare := 0, true      // on the line
	end := func() {
		if tags > 0 && bare {
			for _, t := range before {
				t.Val = t.Val[:len(t.Val)-len(lastLine(t.Val))]
			}
		}
	}
	inside := false
	for _, t := range all {
		switch t.Type { //nolint:exhaustive // the rest is inside tags
		case tokens.VariableBegin:
			bare, inside = false, true
		case tokens.BlockBegin:
			tags++
			inside = true
		case tokens.CommentBegin:
			tags++
			inside = true
		case tokens.VariableEnd, tokens.BlockEnd, tokens.CommentEnd:
			inside = false
		case tokens.EOF:
			end()
		case tokens.Data:
			if inside { // the text of a comment
				continue
			}
			first, _, more := strings.Cut(t.Val, "\n")
			bare = bare && strings.Trim(first, " \t") == ""
			if !more {
				before = append(before, t)
				continue
			}
			end()
			last := lastLine(t.Val)
			if tags > 0 && bare {
				t.Val = t.Val[len(first)+1:]
			}
			before, tags, bare = append(before[:0], t), 0, strings.Trim(last, " \t") == ""
		}
	}
}

func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }
