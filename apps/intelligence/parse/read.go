package parse

import (
	"strings"

	"github.com/incidenthub/incidenthub/providers"
)

// Keys of an answer, spelled as get wants them.
var (
	keySummary     = []string{"summary"}
	keyCause       = []string{"probablecause", "rootcause", "cause"}
	keyConfidence  = []string{"confidence"}
	keyItems       = []string{"recommendations", "recommendation"}
	keyDescription = []string{"description"}
	keyActions     = []string{"actions", "action"}

	wrappers = []string{"analysis", "result", "response", "output", "data", "answer", "arguments"}
)

// answer is what was read of one.
type answer struct {
	summary, cause string
	confidence     *float64
	items          []providers.Recommendation
	listed         bool // it says what it recommends, if only nothing
	bare           bool // it is a list, and no more
	cut            bool
}

// empty: nothing is recommended and nothing is said.
func (a *answer) empty() bool { return len(a.items) == 0 && a.summary == "" && a.cause == "" }

// fill takes from another one what is missing.
func (a *answer) fill(other *answer) {
	if a.summary == "" {
		a.summary = other.summary
	}
	if a.cause == "" {
		a.cause = other.cause
	}
	if a.confidence == nil {
		a.confidence = other.confidence
	}
	if len(a.items) == 0 {
		a.items = other.items
	}
	a.listed = a.listed || other.listed
	a.cut = a.cut || other.cut
}

func (a *answer) result() *providers.Result {
	items := a.items
	if items == nil {
		items = []providers.Recommendation{}
	}
	return &providers.Result{Summary: a.summary, ProbableCause: a.cause, Confidence: a.confidence, Recommendations: items}
}

// read makes an answer of a value; false: it is none. Top says that it need not be looked for deeper than an answer may be wrapped.
func (r *reader) read(v *value, level int, top bool) (answer, bool) {
	switch v.kind {
	case words:
		if s := strings.TrimSpace(v.text); level < maxLevels && holdsJSON(s) {
			return r.best(s, level+1)
		}
		if top && letters(v.text) >= leastLetters {
			r.inner = v.text
		}
	case list:
		return r.readList(v, level)
	case object:
		if isSchema(v) {
			if v = v.get("properties"); v == nil || !filled(v) {
				return answer{}, false
			}
		}
		if a, ok := r.unwrap(v, level, 2); ok {
			a.cut = a.cut || v.cut
			return a, true
		}
		return r.deeper(v, level)
	case null, boolean, number:
	}
	return answer{}, false
}

func holdsJSON(s string) bool {
	return s != "" && (strings.IndexByte("{[\"`", s[0]) >= 0 || strings.Contains(s, `{"`))
}

func (r *reader) readList(v *value, level int) (answer, bool) {
	// A list of answers, not of items: the last one that is one.
	for i := len(v.items) - 1; i >= 0; i-- {
		o := &v.items[i]
		if o.kind == object && !isItem(o) {
			if a, ok := r.unwrap(o, level, 2); ok && !a.empty() {
				return a, true
			}
		}
	}
	a := answer{listed: true, bare: true, cut: v.cut}
	a.items = r.items(v, level)
	if len(a.items) > 0 || len(v.items) == 0 {
		return a, true
	}
	for i := range v.items {
		if v.items[i].kind == object && (isItem(&v.items[i]) || v.cut) {
			return a, true // none of them is good, but it is a list of them
		}
	}
	for i := len(v.items) - 1; i >= 0; i-- {
		if o := &v.items[i]; o.kind == object || o.kind == list {
			if a, ok := r.deeper(o, level); ok {
				return a, true
			}
		}
	}
	return answer{}, false
}

// unwrap reads an object that is an answer, or holds one under one of the names for it.
func (r *reader) unwrap(v *value, level, layers int) (answer, bool) {
	a := answer{cut: v.cut}
	if s := v.get(keySummary...); s != nil && (!s.cut || len(v.items) == 1) {
		a.summary = sentence(s, maxSummary)
	}
	if c := v.get(keyCause...); c != nil && !c.cut {
		a.cause = sentence(c, maxDescription)
	}
	if c := v.get(keyConfidence...); c != nil && !c.cut {
		a.confidence = confidence(c)
	}
	if items := v.get(keyItems...); items != nil {
		a.items = r.items(items, level)
		a.listed = items.kind == list || len(items.items) == 0 && !visible(items.text) || len(a.items) > 0
	} else if isItem(v) {
		if one, ok := item(v, ""); ok {
			a.items = []providers.Recommendation{one}
		}
	}
	if layers > 0 && len(a.items) == 0 && (!a.listed || a.summary == "") {
		r.inside(v, &a, level, layers-1)
	}
	return a, a.listed || !a.empty()
}

// inside looks into the wrappers of an object.
func (r *reader) inside(v *value, a *answer, level, layers int) {
	for _, name := range wrappers {
		w := v.get(name)
		if w == nil {
			continue
		}
		var in answer
		var ok bool
		switch w.kind {
		case object:
			in, ok = r.unwrap(w, level, layers)
		case list:
			in, ok = r.readList(w, level)
		case words:
			if in, ok = r.read(w, level, true); !ok && a.summary != "" {
				r.inner = ""
			}
		case null, boolean, number:
		}
		if ok {
			a.fill(&in)
		}
	}
}

// deeper looks for an answer in a document that has another form. What it finds has to look like one: other things have texts too.
func (r *reader) deeper(v *value, level int) (answer, bool) {
	for i := len(v.items) - 1; i >= 0; i-- {
		c := &v.items[i]
		if v.kind == object && (v.keys[i] == "example" || v.keys[i] == "examples" || strings.Contains(v.keys[i], "schema")) {
			continue
		}
		var a answer
		var ok bool
		switch c.kind {
		case words:
			if holdsJSON(strings.TrimSpace(c.text)) {
				a, ok = r.read(c, level, false)
			}
		case object:
			if isSchema(c) {
				continue
			}
			if a, ok = r.unwrap(c, level, 0); ok && !a.convincing(c) {
				a, ok = answer{}, false
			}
			if !ok {
				a, ok = r.deeper(c, level)
			}
		case list:
			a, ok = r.deeper(c, level)
		case null, boolean, number:
		}
		if ok && !a.empty() {
			return a, true
		}
	}
	return answer{}, false
}

// convincing says whether an object that nobody announced is an answer.
func (a *answer) convincing(v *value) bool {
	if v.get(keyItems...) != nil && len(a.items) > 0 {
		return true
	}
	signs := 0
	for _, k := range [][]string{{"type"}, {"priority"}, {"title"}, keyActions, keySummary, keyCause, keyConfidence} {
		if v.get(k...) != nil {
			signs++
		}
	}
	return signs >= 2 && (len(a.items) == 0 && a.cause != "" || v.get("priority") != nil || v.get(keyActions...) != nil)
}

// isSchema recognises the description of an answer, which some models repeat instead of one.
func isSchema(v *value) bool {
	if v.get("$schema") != nil {
		return true
	}
	p := v.get("properties")
	if p == nil || p.kind != object {
		return false
	}
	t := v.get("type")
	return t == nil || t.text == "object" || v.get("required") != nil || v.get("additionalproperties") != nil
}

// filled says whether the properties of a schema hold values instead of their descriptions.
func filled(p *value) bool {
	s, items := p.get(keySummary...), p.get(keyItems...)
	return s != nil && s.kind == words || items != nil && items.kind == list
}
