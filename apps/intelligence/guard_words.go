package intelligence

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// shellWord is a word of a text as a shell would see it, or one of its operators.
type shellWord struct {
	s        string // small letters only where case does not matter: see name
	op       bool
	from, to int // in the text
}

// name is what a word calls: without its folder, small.
func (w shellWord) name() string {
	if w.op {
		return ""
	}
	return strings.TrimRight(strings.ToLower(path.Base(strings.ReplaceAll(w.s, `\`, "/"))), ".,:;!?)")
}

// shellWords splits a text. Quotes and backslashes either vanish (r"m", r\m) or separate (sh -c 'rm …', ["rm", "-rf"]): both happen, so that
// each text is looked at both ways. Brackets of expansions separate with the latter.
func shellWords(text string, separate bool) []shellWord {
	var out []shellWord
	var word strings.Builder
	from := -1
	flush := func(to int) {
		if from >= 0 && word.Len() > 0 {
			out = append(out, shellWord{s: word.String(), from: from, to: to})
		}
		word.Reset()
		from = -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r >= 0x80 {
			r = asciiRune(r)
		}
		if r == '$' {
			if ifs := fieldSeparator(text[i:]); ifs > 0 {
				flush(i)
				i += ifs
				continue
			}
		}
		switch {
		case r == ' ' || r == '\t':
			flush(i)
		case r == '\'' || r == '"' || r == '\\' && !windowsPath(text, i):
			if separate {
				flush(i)
			}
		case separate && strings.ContainsRune("{},[]", r):
			flush(i)
		case strings.ContainsRune(";|&\n`()<>", r):
			flush(i)
			op := operator(text[i:], r, n)
			out = append(out, shellWord{s: text[i : i+op], op: true, from: i, to: i + op})
			n = op
		default:
			if from < 0 {
				from = i
			}
			if word.Len() > 0 && r == '$' && strings.HasPrefix(text[i:], "$(") {
				flush(i)
				from = i
			}
			word.WriteRune(r)
		}
		i += n
	}
	flush(len(text))
	return out
}

// fieldSeparator returns the length of a variable that stands for a blank.
func fieldSeparator(s string) int {
	for _, ifs := range []string{"${IFS}", "${IFS%??}", "$IFS$9", "$IFS"} {
		if strings.HasPrefix(s, ifs) {
			return len(ifs)
		}
	}
	return 0
}

// windowsPath says whether the backslash at i is one of a path.
func windowsPath(text string, i int) bool {
	return i > 0 && text[i-1] == ':' || i >= 2 && strings.Contains(text[max(0, i-60):i], `:\`) && !strings.ContainsAny(text[max(0, i-1):i], " ")
}

func operator(s string, r rune, n int) int {
	for _, op := range []string{"&&", "||", "|&", "&>>", "&>", ">>", ">|", ">&", "<<<", "<<", "<("} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	_ = r
	return n
}

// segment are the words after i up to the next operator, at most 40.
func segment(words []shellWord, i int) []shellWord {
	const most = 40
	end := i + 1
	for end < len(words) && end-i <= most && !words[end].op {
		end++
	}
	return words[i+1 : end]
}

// danger is a part of a text that destroys.
type danger struct {
	from, to int
	why      string
}

// dangers finds what destroys in a text.
func dangers(text string) []danger {
	if !alarming(text) {
		return nil
	}
	var out []danger
	code := codes.FindAllStringIndex(text, 200)
	for _, separate := range []bool{false, true} {
		words := shellWords(text, separate)
		for i := range words {
			if words[i].op {
				if n, why := piped(words, i); why != "" {
					out = append(out, danger{sourceOf(words, i), words[i+n].to, why})
				} else if n, why := redirected(words, i); why != "" {
					out = append(out, danger{words[i].from, words[i+n].to, why})
				}
				continue
			}
			if n, why := ruin(words, i, code); why != "" {
				to := words[i+n].to
				if why == whyCode {
					to = max(to, codeEnd(text, words[i].to))
				}
				out = append(out, danger{words[i].from, to, why})
			}
		}
	}
	for i, d := range out { // what ends a sentence stays
		out[i].to = d.from + len(strings.TrimRight(text[d.from:d.to], ",.:!?"))
	}
	out = append(out, dangerousPatterns(text)...)
	return out
}

// alarming says whether there can be something at all: most texts have none of these.
func alarming(text string) bool {
	for _, c := range []byte("|<>/$*~{\\:;`&") {
		if strings.IndexByte(text, c) >= 0 {
			return true
		}
	}
	low := strings.ToLower(ascii(text))
	for _, s := range suspicious {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}

// suspicious are words of ruin that need none of the marks above.
var suspicious = []string{
	"kill", "mkfs", "dd ", "rm ", "shred", "wipe", "discard", "remove", "destroy", "drop", "truncate", "delete", "flush", "format", "erase", "crontab", "prune", "\u00a0",
	"chmod", "chown", "python", "perl", "ruby", "node", "php", "iex", "invoke", "mk", " -e",
}

// sourceOf is where the pipe begins whose bar is at i, as far as it is a command.
func sourceOf(words []shellWord, i int) int {
	at := words[i].from
	for j := i - 1; j >= 0 && i-j < 30; j-- {
		if words[j].op && (words[j].s == ";" || words[j].s == "\n" || words[j].s == "&&" || words[j].s == "||") {
			break
		}
		if slices.Contains(fetchers, words[j].name()) {
			at = words[j].from
			if j > 0 && words[j-1].name() == "sudo" {
				at = words[j-1].from
			}
		}
	}
	return at
}

// blank replaces parts of a text.
func blank(text string, found []danger) string {
	if len(found) == 0 {
		return text
	}
	slices.SortStableFunc(found, func(a, b danger) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, d := range found {
		if d.to <= at {
			continue
		}
		if d.from >= at {
			b.WriteString(text[at:d.from])
			b.WriteString(blankedCommand)
			if strings.HasPrefix(text[d.to:], "(") { // not the beginning of a link
				b.WriteByte(' ')
			}
		}
		at = d.to
	}
	b.WriteString(text[at:])
	return b.String()
}
