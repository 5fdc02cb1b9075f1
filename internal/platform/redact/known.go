package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Secrets shorter than least are not looked for, those shorter than plain only where they stand alone.
const (
	least = 4
	alone = 8
)

// known finds secrets literally. Whatever their number, a place in a text costs a look into a table, and where one may begin a
// binary search.
type known struct {
	sorted []string
	prefix []int           // of each the longest other one that it begins with, or -1
	pairs  [1 << 10]uint64 // a bit for the first two bytes of each
	values map[string]bool // for numbers in documents
}

func newKnown(secrets []string) *known {
	k := &known{values: map[string]bool{}}
	for _, s := range within(secrets) {
		if len(s) >= least {
			k.sorted = append(k.sorted, s)
			k.sorted = append(k.sorted, forms(s)...)
		}
	}
	slices.Sort(k.sorted)
	k.sorted = slices.Compact(k.sorted)
	k.prefix = make([]int, len(k.sorted))
	for i, s := range k.sorted {
		k.values[s] = true
		n := int(s[0])<<8 | int(s[1])
		k.pairs[n>>6] |= 1 << (n & 63)
		p := i - 1
		for p >= 0 && !strings.HasPrefix(s, k.sorted[p]) {
			p = k.prefix[p]
		}
		k.prefix[i] = p
	}
	return k
}

// within adds to stored values what is secret in them: the leaves of a document, the credential behind its scheme, what a URL carries.
func within(values []string) []string {
	out := slices.Clone(values)
	for i := 0; i < len(out) && len(out) < maxKnown; i++ {
		s := strings.TrimSpace(out[i])
		var leaves any
		if (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) && json.Unmarshal([]byte(s), &leaves) == nil {
			out = append(out, texts(leaves)...)
			continue
		}
		if word, rest, ok := strings.Cut(s, " "); ok && schemes[strings.ToLower(word)] {
			out = append(out, strings.TrimSpace(rest))
		}
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			if password, ok := u.User.Password(); ok {
				out = append(out, password)
			}
			for name, list := range u.Query() {
				if Name(name) != "" {
					out = append(out, list...)
				}
			}
		}
	}
	return out
}

// maxKnown is how many secrets are looked for.
const maxKnown = 100_000

func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	case map[string]any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	}
	return out
}

// forms are how a secret looks where it was written by a machine.
func forms(s string) []string {
	var out []string
	add := func(f string) {
		if f != s && len(f) >= least {
			out = append(out, f)
		}
	}
	add(url.QueryEscape(s))
	add(url.PathEscape(s))
	if raw, err := json.Marshal(s); err == nil { // with < > & as numbers
		add(string(raw[1 : len(raw)-1]))
	}
	raw := quoteTo(nil, s)
	add(string(raw[1 : len(raw)-1]))
	if len(s) >= alone {
		add(strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="))
		add(strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(s)), "="))
	}
	return out
}

func (k *known) replace(s string) string {
	if k == nil || len(k.sorted) == 0 {
		return s
	}
	e := editor{s: s}
	for i := 0; i+1 < len(s); {
		if s[i] == '[' {
			if n := marked(s[i:]); n > 0 {
				i += n
				continue
			}
		}
		n := int(s[i])<<8 | int(s[i+1])
		if k.pairs[n>>6]&(1<<(n&63)) != 0 {
			if size := k.at(s, i); size > 0 {
				e.replace(i, i+size, "secret")
				i += size
				continue
			}
		}
		i++
	}
	return e.String()
}

// at returns the length of the longest secret at a place.
func (k *known) at(s string, i int) int {
	rest := s[i:]
	at, found := slices.BinarySearch(k.sorted, rest)
	if !found {
		at--
	}
	for ; at >= 0; at = k.prefix[at] {
		if c := k.sorted[at]; strings.HasPrefix(rest, c) && (len(c) >= alone || standsAlone(s, i, i+len(c))) {
			return len(c)
		}
	}
	return 0
}

func standsAlone(s string, from, to int) bool {
	return (from == 0 || !wordByte[s[from-1]]) && (to == len(s) || !wordByte[s[to]])
}

// is reports whether a whole value is a secret.
func (k *known) is(s string) bool { return k != nil && k.values[s] }
