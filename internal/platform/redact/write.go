package redact

import "unicode/utf8"

// write appends a value as JSON.
func (v *node) write(b []byte) []byte {
	switch v.kind {
	case '"':
		return quoteTo(b, v.text)
	case '{', '[':
		b = append(b, v.kind)
		for i, item := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			if v.kind == '{' {
				b = append(quoteTo(b, v.keys[i]), ':')
			}
			b = item.write(b)
		}
		if v.dropped > 0 {
			if len(v.items) > 0 {
				b = append(b, ',')
			}
			if v.kind == '{' {
				b = append(quoteTo(b, more), ':')
			}
			b = quoteTo(b, v.note().text)
		}
		return append(b, v.kind+2) // the closing one follows the opening one two places later
	default:
		return append(b, v.text...)
	}
}

const hexDigits = "0123456789abcdef"

func quoteTo(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}

func byteSize(c byte) int {
	switch {
	case c == '"', c == '\\', c == '\n', c == '\t', c == '\r':
		return 2
	case c < ' ':
		return 6
	}
	return 1
}

func quotedSize(s string) int {
	n := 2
	for i := range len(s) {
		n += byteSize(s[i])
	}
	return n
}

// head returns the longest beginning of a text that takes at most limit bytes in quotes, whole characters and marks only.
func head(s string, limit int) string {
	n, i := 2, 0
	for i < len(s) && n+byteSize(s[i]) <= limit {
		n += byteSize(s[i])
		i++
	}
	if i == len(s) {
		return s
	}
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	for j := i - 1; j >= 0 && i-j < len(opening)+32; j-- {
		if s[j] == '[' {
			if n := marked(s[j:]); n > 0 && j+n > i {
				return s[:j]
			}
			break
		}
	}
	return s[:i]
}
