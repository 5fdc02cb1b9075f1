package doc

// appendJSON appends node i as compact JSON.
func (d *document) appendJSON(dst []byte, i uint32) []byte {
	n := d.nodes[i]
	open, closing := byte('['), byte(']')
	switch n.kind {
	case KindString:
		return appendQuoted(dst, d.at(n.val))
	case KindObject:
		open, closing = '{', '}'
	case KindList:
	default:
		return append(dst, d.at(n.val)...)
	}
	dst = append(dst, open)
	for c := i + 1; c < n.end; c = d.nodes[c].end {
		if c > i+1 {
			dst = append(dst, ',')
		}
		if n.kind == KindObject {
			dst = append(appendQuoted(dst, d.at(d.nodes[c].key)), ':')
		}
		dst = d.appendJSON(dst, c)
	}
	return append(dst, closing)
}

func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
