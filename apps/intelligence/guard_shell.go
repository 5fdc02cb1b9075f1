package intelligence

import (
	"regexp"
	"slices"
	"strings"
)

// piped says whether the bar at i leads into a shell, and how many words behind it belong to that.
func piped(words []shellWord, i int) (int, string) {
	if s := words[i].s; s != "|" && s != "|&" {
		return 0, ""
	}
	args := segment(words, i)
	handed := false
	for j := 0; j < len(args) && j < 14; j++ {
		name := args[j].name()
		switch {
		case slices.Contains(shells, name):
			if handed && j+1 < len(args) && strings.HasPrefix(args[j+1].s, "-") && strings.HasSuffix(args[j+1].s, "c") {
				return 0, "" // what it does is written behind it, and looked at by itself
			}
			n := j + 1
			for n < len(args) && strings.HasPrefix(args[n].s, "-") {
				n++
			}
			return n, whyShell
		case isInterpreter(name):
			if j+1 == len(args) || !strings.ContainsAny(args[j+1].s, "-./") { // it has no program of its own
				return j + 1, whyShell
			}
			if args[j+1].s == "-" {
				return j + 2, whyShell
			}
			return 0, ""
		case name == "iex" || name == "invoke-expression":
			return j + 1, whyDownload
		case slices.Contains(prefixes, name):
			handed = handed || name == "xargs" || name == "parallel"
		case j > 0 && (strings.HasPrefix(args[j].s, "-") || strings.HasPrefix(args[j-1].s, "-") || strings.Contains(args[j].s, "=") || strings.Trim(name, "0123456789smh") == ""):
		case j == 0 && strings.Contains(args[j].s, "="):
		default:
			return 0, ""
		}
	}
	return 0, ""
}

func isInterpreter(name string) bool {
	return slices.Contains(interpreters, name) || strings.HasPrefix(name, "python") && strings.Trim(name[6:], "0123456789.") == ""
}

// redirected says whether the sign at i writes where nothing may be written.
func redirected(words []shellWord, i int) (int, string) {
	if s := words[i].s; !strings.Contains(s, ">") || s == ">&" || i+1 >= len(words) || words[i+1].op {
		return 0, ""
	}
	to := strings.TrimRight(words[i+1].s, ",;:!?")
	switch {
	case isDevice(to):
		return 1, whyDevice
	case words[i].s != ">>" && (slices.Contains(vital, to) || strings.HasPrefix(to, "/boot/")), to == "/proc/sysrq-trigger":
		return 1, whyVital
	}
	return 0, ""
}

// fed says whether a shell gets what it runs from elsewhere: bash <(curl …), sh -c "$(wget …)", eval `base64 -d …`.
func fed(words []shellWord, i int, name string) (int, string) {
	sub, code := false, name == "eval" || name == "source" || words[i].s == "."
	for j := i + 1; j < len(words) && j-i < 16; j++ {
		w := words[j]
		switch {
		case w.s == ";" || w.s == "&&" || w.s == "\n" || w.s == "&":
			return 0, ""
		case w.op && w.s == "<(" || w.op && w.s == "(" && j > 0 && strings.HasSuffix(words[j-1].s, "$") || w.op && w.s == "<<<" || w.op && w.s == "`" && code:
			sub = true
		case w.op && w.s == "(" && words[j-1].op && words[j-1].s == "<":
			sub = true
		case strings.HasPrefix(w.s, "-") && strings.HasSuffix(w.s, "c"):
			code = true
		case sub && slices.Contains(downloads, w.name()):
			return endOf(words, j) - i, whyDownload
		}
	}
	return 0, ""
}

// endOf is the last word of the segment that word i is in.
func endOf(words []shellWord, i int) int { return i + len(segment(words, i)) }

var codes = regexp.MustCompile(`(?i)os\s*\.\s*(system|popen|exec|remove|unlink|rmdir|fork|spawn)|subprocess|shutil\s*\.\s*rmtree|rmtree|\b(system|exec|eval|popen|passthru|shell_exec|unlink|fork|spawn|compile|__import__)\s*[(\x60'"]|child_process|fileutils|rm_rf|urlopen|requests\s*\.\s*get|socket|downloadstring|fork\s+while|b64decode|rimraf|rmsync`)

// ruinCode looks at a program that is written behind an interpreter: python -c "…".
func ruinCode(words []shellWord, i int, code [][]int) (int, string) {
	args := segment(words, i)
	for j, a := range args[:min(len(args), 7)] {
		low := strings.ToLower(a.s)
		if low == "-encodedcommand" || low == "-enc" {
			return len(args), whyCode
		}
		if !strings.HasPrefix(low, "-") || strings.HasPrefix(low, "--") && low != "--eval" && low != "--execute" || !strings.ContainsAny(low[1:], "cer") {
			continue
		}
		const far = 600
		for _, m := range code {
			if m[0] < a.to || m[0] > a.to+far {
				continue
			}
			last := i + 1 + j
			for last+1 < len(words) && words[last].to < m[1] {
				last++
			}
			return last - i, whyCode
		}
		break
	}
	return 0, ""
}

// codeEnd is where the quotes end that begin behind a place, as far as they are on its line.
func codeEnd(text string, from int) int {
	line := text[from:]
	if n := strings.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	first := strings.IndexAny(line, "\"'`")
	if first < 0 {
		return from
	}
	return from + strings.LastIndexByte(line, line[first]) + 1
}

var (
	statements = []struct {
		what *regexp.Regexp
		why  string
	}{
		{regexp.MustCompile(`(?i)\bdrop\s+(database|schema|table|tablespace|keyspace|collection)\s+(if\s+exists\s+)?[\w".\x60\[-]+`), whyData},
		{regexp.MustCompile(`(?i)\btruncate\s+table\s+[\w".\x60]+`), whyData},
		{regexp.MustCompile(`(?i)\bdelete\s+from\s+[\w".\x60]+\s*(;|["']|$)`), whyData},
		{regexp.MustCompile(`\b(FLUSHALL|FLUSHDB)\b`), whyData},
		{regexp.MustCompile(`(?i)\bdropDatabase\s*\(`), whyData},
		{regexp.MustCompile(`(?i)\bfork\s+while\s+fork\b`), whyBomb},
		{regexp.MustCompile(`%0\s*\|\s*%0`), whyBomb},
	}
	functions = regexp.MustCompile(`([\w:.\-]+)\s*\(\s*\)\s*\{([^}]{0,200})\}?`)
)

// dangerousPatterns finds what is not a command with arguments.
func dangerousPatterns(text string) []danger {
	var out []danger
	for _, s := range statements {
		for _, m := range s.what.FindAllStringIndex(text, 20) {
			out = append(out, danger{m[0], m[1], s.why})
		}
	}
	if strings.Contains(text, "{") {
		for _, m := range functions.FindAllStringSubmatchIndex(text, 20) {
			name := text[m[2]:m[3]]
			body := strings.Join(strings.Fields(text[m[4]:m[5]]), "")
			if strings.Contains(body, name+"|"+name) || strings.Contains(body, name+"&"+name) {
				rest := strings.TrimLeft(text[m[1]:], "; ")
				if after, ok := strings.CutPrefix(rest, name); ok {
					rest = after
				} else {
					rest = text[m[1]:]
				}
				out = append(out, danger{m[0], len(text) - len(rest), whyBomb})
			}
		}
	}
	return append(out, runLater(text)...)
}

// runLater finds what is downloaded and then run.
func runLater(text string) []danger {
	low := strings.ToLower(text)
	if !strings.Contains(low, "curl") && !strings.Contains(low, "wget") {
		return nil
	}
	words := shellWords(text, true)
	var out []danger
	var files []string
	first := -1
	for i, w := range words {
		if n := w.name(); (n == "curl" || n == "wget") && len(files) < 20 {
			if first < 0 {
				first = w.from
			}
			args := segment(words, i)
			for j, a := range args {
				switch {
				case (a.s == "-o" || a.s == "-O" && n == "wget" || a.s == "--output" || a.s == "--output-document") && j+1 < len(args):
					files = append(files, args[j+1].name())
				case strings.Contains(a.s, "/") && !strings.HasPrefix(a.s, "/") && !strings.HasPrefix(a.s, "-"):
					files = append(files, a.name())
				}
			}
			if end := i + 1 + len(args); end+1 < len(words) && strings.HasPrefix(words[end].s, ">") {
				files = append(files, words[end+1].name())
			}
			continue
		}
		if first < 0 || w.op {
			continue
		}
		runs := slices.Contains(shells, w.name()) || isInterpreter(w.name()) || w.name() == "chmod" || w.name() == "source" || w.s == "."
		for _, a := range segment(words, i) {
			if runs && slices.Contains(files, a.name()) && a.name() != "" {
				out = append(out, danger{first, a.to, whyDownload})
			}
		}
		if slices.Contains(files, w.name()) && i > 0 && (words[i-1].op && words[i-1].s != ">" && words[i-1].s != "(" || words[i-1].name() == "sudo") && strings.Contains(w.s, "/") {
			out = append(out, danger{first, w.to, whyDownload})
		}
	}
	return out
}
