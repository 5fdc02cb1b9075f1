package parse

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/providers"
)

// What of an answer is kept, texts in bytes.
const (
	maxItems       = 10
	maxActions     = 10
	maxAction      = 500
	maxTitle       = 200
	maxDescription = 4000
	maxSummary     = 2000
	maxEvidence    = 20
	maxID          = 40
	maxName        = 300
	maxPlain       = 500 // characters of a text without JSON

	untitled = "AI Recommendation"
)

var (
	types      = []string{providers.Memory, providers.Disk, providers.CPU, providers.Proc, providers.Network, providers.General}
	priorities = []string{providers.Low, providers.Medium, providers.High, providers.Critical}
	culprits   = []string{"process", "path", "mount", "endpoint", "interface", "cgroup", "service", "resolver"}
	schemas    = []string{"object", "array", "string", "number", "integer", "boolean"}
)

// isItem says whether an object is a recommendation and not an answer.
func isItem(v *value) bool {
	if v.get(keyItems...) != nil {
		return false
	}
	if v.get(keyDescription...) != nil {
		return true
	}
	return v.get("title") != nil && (v.get("type") != nil || v.get("priority") != nil || v.get(keyActions...) != nil)
}

// items reads recommendations, in whatever they come: a list, a map, one of them, or a text.
func (r *reader) items(v *value, level int) []providers.Recommendation {
	var out []providers.Recommendation
	r.gather(v, "", level, 2, &out)
	return out
}

// gather adds the items of v. Key is what a map calls it.
func (r *reader) gather(v *value, key string, level, layers int, out *[]providers.Recommendation) {
	if len(*out) >= maxItems {
		return
	}
	switch v.kind {
	case list:
		for i := range v.items {
			switch c := &v.items[i]; c.kind {
			case object:
				r.one(c, key, level, layers, out)
			case list:
				if layers > 0 {
					r.gather(c, key, level, layers-1, out)
				}
			case words: // a text in a list is not an item, JSON in a text is
				if in, ok := r.quoted(c, level); ok {
					r.gather(&in, key, level+1, layers-1, out)
				}
			case null, boolean, number:
			}
		}
	case object:
		r.one(v, key, level, layers, out)
	case words:
		if in, ok := r.quoted(v, level); ok {
			r.gather(&in, key, level+1, layers, out)
		} else if !v.cut && !holdsJSON(strings.TrimSpace(v.text)) && visible(v.text) {
			one := value{kind: object, keys: []string{"description"}, items: []value{*v}}
			add(&one, key, out)
		}
	case null, boolean, number:
	}
}

// one adds an item, what it wraps, or the items of a map.
func (r *reader) one(v *value, key string, level, layers int, out *[]providers.Recommendation) {
	if isItem(v) || v.get("type") != nil && v.get("priority") != nil {
		add(v, key, out)
		return
	}
	if t := v.get("type"); layers <= 0 || isSchema(v) || t != nil && slices.Contains(schemas, t.text) {
		return
	}
	for i := range v.items {
		if c := &v.items[i]; !c.cut || c.kind == list {
			name := v.keys[i]
			if strings.Trim(name, "0123456789") == "" || slices.Contains(keyItems, name) || slices.Contains(wrappers, name) || strings.HasPrefix(name, "item") {
				name = ""
			}
			r.gather(c, name, level, layers-1, out)
		}
	}
}

// quoted decodes JSON in a text.
func (r *reader) quoted(v *value, level int) (value, bool) {
	s := strings.TrimSpace(v.text)
	if level >= maxLevels || s == "" || s[0] != '{' && s[0] != '[' || r.work <= 0 {
		return value{}, false
	}
	f, ok := r.at(s, 0)
	return f.value, ok
}

func add(v *value, key string, out *[]providers.Recommendation) {
	if one, ok := item(v, key); ok && len(*out) < maxItems {
		*out = append(*out, one)
	}
}

// item reads one recommendation (contract 7.3). Key stands for a type that it has not. One that was cut is none.
func item(v *value, key string) (providers.Recommendation, bool) {
	out := providers.Recommendation{Details: culprit(v), Actions: actions(v.get(keyActions...)), Evidence: evidence(v.get("evidence"))}
	out.Type, out.Priority = oneOf(types, v.get("type"), providers.General), oneOf(priorities, v.get("priority"), providers.Medium)
	if v.get("type") == nil && slices.Contains(types, key) {
		out.Type = key
	}
	out.Description = sentence(v.get(keyDescription...), maxDescription)
	if out.Title = strings.Join(strings.Fields(sentence(v.get("title"), maxTitle)), " "); out.Title == "" {
		out.Title = untitled
	}
	return out, !v.cut && out.Description != "" && !isTemplate(v)
}

// isTemplate recognises the form of an item that was repeated instead of filled in, and the schema of a text.
func isTemplate(v *value) bool {
	t := v.get("type")
	if t == nil || t.kind != words {
		return false
	}
	if p := v.get("priority"); strings.Contains(t.text, "|") && p != nil && strings.Contains(p.text, "|") {
		return true
	}
	return slices.Contains(schemas, t.text) && v.get("title") == nil && v.get(keyActions...) == nil
}

func oneOf(known []string, v *value, other string) string {
	if v != nil && v.kind == words {
		if s := lower(strings.TrimSpace(v.text)); slices.Contains(known, s) {
			return s
		}
	}
	return other
}

// sentence is the text of a value: its own, or those of a list. Text that says nothing is none.
func sentence(v *value, limit int) string {
	if v == nil {
		return ""
	}
	s := ""
	switch v.kind {
	case words:
		s = v.text
	case list:
		var lines []string
		for i := range v.items[:min(len(v.items), 50)] {
			if c := &v.items[i]; c.kind == words && visible(c.text) {
				lines = append(lines, strings.TrimSpace(c.text))
			}
		}
		s = strings.Join(lines, "\n")
	case null, boolean, number, object:
	}
	if !visible(s) {
		return ""
	}
	return shorten(strings.TrimSpace(s), limit)
}

// visible says whether a text has a letter or a number.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

// actions reads what to do: texts, or objects that have one.
func actions(v *value) []string {
	out := []string{}
	if v == nil || v.cut {
		return out
	}
	act(v, 2, &out)
	return out
}

func act(v *value, layers int, out *[]string) {
	if len(*out) >= maxActions {
		return
	}
	switch v.kind {
	case words:
		s := strings.TrimSpace(v.text)
		if strings.HasPrefix(s, "[") && layers > 0 {
			if in, d, ok := decode(s, 0, true, false, false); ok && d.at == len(s) {
				act(&in, layers-1, out)
				return
			}
		}
		if visible(s) || strings.Contains(s, ":|:") { // a bomb has no letters, and has to be seen by the guards
			*out = append(*out, shorten(s, maxAction))
		}
	case list:
		for i := range v.items {
			if layers > 0 {
				act(&v.items[i], layers-1, out)
			}
		}
	case object:
		for _, name := range []string{"command", "action", "description"} {
			if c := v.get(name); c != nil && c.kind == list {
				if s := strings.TrimSpace(strings.ReplaceAll(sentence(c, maxAction), "\n", " ")); s != "" {
					*out = append(*out, s)
					return
				}
			} else if c != nil && c.kind == words && visible(c.text) {
				*out = append(*out, shorten(strings.TrimSpace(c.text), maxAction))
				return
			}
		}
		for i := range v.items { // {"1": "df -h", "2": "du -sh"}
			if strings.Trim(v.keys[i], "0123456789") == "" && layers > 0 {
				act(&v.items[i], layers-1, out)
			}
		}
	case null, boolean, number:
	}
}

// evidence reads ids: a list, a text that names several, objects with an id.
func evidence(v *value) []string {
	out := []string{}
	if v != nil {
		cite(v, 2, &out)
	}
	return out
}

func cite(v *value, layers int, out *[]string) {
	switch v.kind {
	case words:
		for _, id := range strings.FieldsFunc(v.text, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '-' && r != '_' && r != '.'
		}) {
			if len(*out) < maxEvidence && len(id) <= maxID && strings.ContainsAny(id, "0123456789") && !slices.Contains(*out, id) {
				*out = append(*out, id)
			}
		}
	case list:
		for i := range v.items {
			if layers > 0 {
				cite(&v.items[i], layers-1, out)
			}
		}
	case object:
		if id := v.get("id", "ref", "evidenceid"); id != nil && layers > 0 {
			cite(id, layers-1, out)
			return
		}
		for _, k := range v.keys { // {"C1": "…"}
			cite(&value{kind: words, text: strings.ToUpper(k)}, 0, out)
		}
	case null, boolean, number:
	}
}

// culprit reads details.culprit, of which the fields are known; whatever else there is in details is nobody's business.
func culprit(v *value) map[string]any {
	out := map[string]any{}
	c := v.get("culprit")
	if d := v.get("details"); d != nil && d.get("culprit") != nil {
		c = d.get("culprit")
	}
	if c == nil || c.kind != object || c.cut {
		return out
	}
	one := map[string]any{}
	for _, name := range []string{"kind", "name", "path", "address"} {
		if s := sentence(c.get(name), maxName); s != "" {
			one[name] = s
		}
	}
	if kind, _ := one["kind"].(string); !slices.Contains(culprits, lower(kind)) {
		return out
	}
	one["kind"] = lower(one["kind"].(string))
	if p := c.get("pid"); p != nil && (p.kind == number || p.kind == words) {
		if n, err := strconv.Atoi(strings.TrimSpace(p.text)); err == nil && n > 0 && n < 1<<31 {
			one["pid"] = n
		}
	}
	if len(one) > 1 {
		out["culprit"] = one
	}
	return out
}

// shorten cuts a text to limit bytes.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	n := limit - len(more)
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + more
}

// confidence reads 0..1, percent, and texts of them; nil: unknown.
func confidence(v *value) *float64 {
	if v.kind != number && v.kind != words {
		return nil
	}
	s := strings.TrimSpace(v.text)
	s, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if percent {
		f /= 100
	}
	switch {
	case err != nil || f != f:
		return nil
	case f < 0:
		f = 0
	case f > 1 && percent || f > 100:
		return nil
	case f > 1:
		f /= 100
	}
	return &f
}
