package settings

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Encode writes v as JSON that is inert wherever it is shown: besides what encoding/json escapes (controls, <, >, &) the
// marks that reorder or hide text and the second set of control characters become \uXXXX. NUL is left out: Postgres takes it
// in no document. Any JSON reader gets the same text back.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return disarm(b), nil
}

func disarm(b []byte) []byte {
	i := firstOdd(b, 0)
	if i == len(b) {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	from := 0
	for i < len(b) {
		if b[i] == '\\' {
			if isNUL(b[i:]) {
				out = append(out, b[from:i]...)
				i += 6
				from = i
			} else {
				i += 2 // the escaped character is not looked at: \\u0000 is a backslash and five characters
			}
		} else {
			r, size := utf8.DecodeRune(b[i:])
			if Hides(r) {
				out = append(out, b[from:i]...)
				out = fmt.Appendf(out, `\u%04x`, r)
				from = i + size
			}
			i += size
		}
		i = firstOdd(b, i)
	}
	return append(out, b[from:]...)
}

func isNUL(b []byte) bool { return len(b) >= 6 && string(b[:6]) == `\u0000` }

// firstOdd finds the next backslash or byte above ASCII, from i on; len(b) when there is none.
func firstOdd(b []byte, i int) int {
	for i < len(b) && b[i] != '\\' && b[i] < utf8.RuneSelf {
		i++
	}
	return min(i, len(b))
}

// Hides finds what reorders or hides text (Unicode TR 36 and 39, CVE-2021-42574) and C1 controls.
func Hides(r rune) bool {
	return r >= 0x80 && r <= 0x9f || r == 0x061c || r == 0xfeff || r >= 0x200b && r <= 0x200f && r != 0x200d ||
		r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069
}
