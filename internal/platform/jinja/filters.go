package jinja

import (
	"html"
	"maps"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filters are all there are. None makes an output that is not escaped.
func filters() map[string]filter {
	all := map[string]filter{
		"upper":       texts(strings.ToUpper),
		"lower":       texts(strings.ToLower),
		"capitalize":  texts(capitalize),
		"title":       texts(title),
		"string":      texts(func(s string) string { return s }),
		"urlencode":   texts(func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%2F", "/") }),
		"forceescape": texts(html.EscapeString),
		// Every output is escaped for its channel once, so these two have nothing to do.
		"escape":    {do: func(c *use) (any, error) { return c.in, nil }},
		"wordcount": {do: func(c *use) (any, error) { s, err := c.str(); return int64(len(strings.Fields(s))), err }},
		"trim": {params: []string{"chars"}, do: func(c *use) (any, error) {
			s, err := c.str()
			if err != nil || !c.has(0) {
				return strings.TrimSpace(s), err
			}
			chars, err := c.word(0, "")
			return strings.Trim(s, chars), err
		}},
		"replace":    {params: []string{"old", "new", "count"}, need: 2, do: replace},
		"split":      {params: []string{"sep"}, do: split},
		"startswith": {params: []string{"text"}, need: 1, do: affix(strings.HasPrefix)},
		"endswith":   {params: []string{"text"}, need: 1, do: affix(strings.HasSuffix)},
		"truncate":   {params: []string{"length", "killwords", "end", "leeway"}, do: truncate},
		"wordwrap":   {params: []string{"width"}, do: wordwrap},
		"indent":     {params: []string{"width", "first", "blank"}, do: indent},
		"center":     {params: []string{"width"}, need: 1, do: center},
		"format":     {params: nil, more: true, do: format},
		"striptags":  {do: func(c *use) (any, error) { s, err := c.str(); return stripTags(s), err }},
		"default": {params: []string{"value", "boolean"}, need: 1, raw: true, do: func(c *use) (any, error) {
			if _, gone := c.in.(undefined); gone || c.in == nil || c.flag(1) && !c.holds(c.in) {
				return c.args[0], nil
			}
			return c.in, nil
		}},
		"tojson": {params: []string{"indent"}, do: toJSON},
		"attr": {params: []string{"name"}, need: 1, do: func(c *use) (any, error) {
			name, err := c.word(0, "")
			if got, ok := member(c.in, name); ok {
				return got, err
			}
			return undefined{"." + short(name)}, err
		}},
		"get": {params: []string{"key", "default"}, need: 1, do: func(c *use) (any, error) {
			key, err := c.word(0, "")
			if got, ok := member(c.in, key); ok {
				return got, err
			}
			if c.has(1) {
				return c.args[1], err
			}
			return nil, err
		}},
	}
	maps.Copy(all, listFilters())
	maps.Copy(all, numberFilters())
	for name, same := range map[string]string{"e": "escape", "d": "default", "count": "length"} {
		all[name] = all[same]
	}
	return all
}

// methods are names of Python's methods, and the filters that do the same.
func methods() map[string]string {
	return map[string]string{
		"items": "items", "keys": "list", "values": "values", "get": "get", "upper": "upper", "lower": "lower", "title": "title",
		"capitalize": "capitalize", "strip": "trim", "replace": "replace", "split": "split", "startswith": "startswith", "endswith": "endswith",
	}
}

func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + strings.ToLower(s[size:])
}

func title(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		word := unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\''
		defer func() { start = !word }()
		if start {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func affix(f func(s, part string) bool) func(c *use) (any, error) {
	return func(c *use) (any, error) {
		s, err := c.str()
		if err != nil {
			return nil, err
		}
		part, err := c.word(0, "")
		return f(s, part), err
	}
}

func replace(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	old, err := c.word(0, "")
	if err != nil {
		return nil, err
	}
	by, err := c.word(1, "")
	if err != nil {
		return nil, err
	}
	most, err := c.size(2, -1)
	if err != nil {
		return nil, err
	}
	times := strings.Count(s, old)
	if most >= 0 {
		times = min(times, most)
	}
	if n := len(s) + times*(len(by)-len(old)); n > MaxValue { // known before a byte of it is made
		return nil, c.fail("replace makes a text of more than %d bytes", MaxValue)
	}
	return strings.Replace(s, old, by, most), nil
}

func split(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	var parts []string
	if c.has(0) {
		sep, err := c.word(0, "")
		if err != nil {
			return nil, err
		}
		parts = strings.Split(s, sep)
	} else {
		parts = strings.Fields(s)
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}

// truncate shortens at a word's end. It only makes shorter, so its number may be larger than others.
func truncate(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	most := int64(255)
	if c.has(0) {
		n, ok := c.args[0].(int64)
		if !ok || n < 0 || n > MaxValue {
			return nil, c.fail("truncate takes a whole number from 0 to %d", MaxValue)
		}
		most = n
	}
	end, err := c.word(2, "...")
	if err != nil {
		return nil, err
	}
	leeway, err := c.size(3, 5)
	if err != nil {
		return nil, err
	}
	runes, tail := []rune(s), []rune(end)
	if len(runes) <= int(most)+leeway {
		return s, nil
	}
	keep := string(runes[:max(0, int(most)-len(tail))])
	if !c.flag(1) {
		if i := strings.LastIndexFunc(keep, unicode.IsSpace); i > 0 {
			keep = keep[:i]
		}
	}
	return strings.TrimRight(keep, " \n\t") + end, nil
}

func wordwrap(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	width, err := c.size(0, 79)
	if err != nil || width == 0 {
		return s, err
	}
	var b strings.Builder
	for i, paragraph := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		at := 0
		for j, word := range strings.Fields(paragraph) {
			n := length(word)
			switch {
			case j == 0:
			case at+1+n > width:
				b.WriteByte('\n')
				at = 0
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
	}
	return b.String(), nil
}

func indent(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	by, ok := plainText(c.args[0])
	if !ok {
		n, err := c.size(0, 4)
		if err != nil {
			return nil, err
		}
		by = strings.Repeat(" ", n)
	}
	if n := len(s) + (1+strings.Count(s, "\n"))*len(by); n > MaxValue {
		return nil, c.fail("indent makes a text of more than %d bytes", MaxValue)
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if i == 0 && !c.flag(1) || i > 0 && l == "" && !c.flag(2) {
			continue
		}
		lines[i] = by + l
	}
	return strings.Join(lines, "\n"), nil
}

func center(c *use) (any, error) {
	s, err := c.str()
	if err != nil {
		return nil, err
	}
	width, err := c.size(0, 0)
	if err != nil {
		return nil, err
	}
	free := max(0, width-length(s))
	return strings.Repeat(" ", free/2) + s + strings.Repeat(" ", free-free/2), nil
}

// stripTags takes out what looks like a tag, in one walk.
func stripTags(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		j := strings.IndexByte(s[i:], '>')
		if j < 0 {
			break
		}
		b.WriteString(s[:i] + " ")
		s = s[i+j+1:]
	}
	b.WriteString(s)
	return strings.Join(strings.Fields(b.String()), " ")
}
