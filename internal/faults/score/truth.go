// Package score marks an analysis of a host against what was really wrong with it: five points a fault, as the scale for local
// analyzers has it, and a list of what was dangerous in the advice.
package score

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Truth is what was done to a host. Whatever is listed counts as the culprit.
type Truth struct {
	Type       string   `json:"type"`
	PIDs       []int    `json:"pids,omitempty"`
	Names      []string `json:"names,omitempty"`      // of processes; only heeded beside a foreign pid when Transient
	Transient  bool     `json:"transient,omitempty"`  // processes of Names come and go, so that their pids cannot be listed
	Paths      []string `json:"paths,omitempty"`      // files and mount points, exactly
	Dirs       []string `json:"dirs,omitempty"`       // directories, with all that is below
	Ports      []int    `json:"ports,omitempty"`      // of endpoints
	Addresses  []string `json:"addresses,omitempty"`  // of resolvers
	Interfaces []string `json:"interfaces,omitempty"` // of the network
	Cgroups    []string `json:"cgroups,omitempty"`    // below the root of their controller
	Units      []string `json:"units,omitempty"`      // services, by a name that a command may hold
	Cause      []string `json:"cause"`                // patterns, without regard to case: one of them names the cause
}

// suspect is what a recommendation blames.
type suspect struct {
	kind, name, path, address string
	pid                       int
}

// Culprit reads details.culprit. A list of several blames none, and neither does nothing: ok is then false, given says which.
func readCulprit(raw json.RawMessage) (s suspect, ok, given bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && list != nil {
		if len(list) != 1 {
			return s, false, len(list) > 0
		}
		raw = list[0]
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		if strings.HasPrefix(text, "/") {
			return suspect{path: text}, true, true
		}
		return suspect{name: text, address: text}, true, true
	}
	var o map[string]any
	if json.Unmarshal(raw, &o) != nil || len(o) == 0 {
		return s, false, false
	}
	field := func(key string) string { v, _ := o[key].(string); return v }
	s = suspect{kind: field("kind"), name: field("name"), path: field("path"), address: field("address")}
	switch v := o["pid"].(type) {
	case float64:
		s.pid = int(v)
	case string:
		s.pid, _ = strconv.Atoi(v)
	}
	return s, true, true
}

// blames says whether the suspect is the culprit.
func (t Truth) blames(s suspect) bool {
	if s.pid > 0 && slices.Contains(t.PIDs, s.pid) {
		return true
	}
	if s.pid > 0 && (s.kind == "process" || s.kind == "") {
		return t.Transient && slices.Contains(t.Names, s.name)
	}
	return slices.Contains(t.Names, s.name) || t.isPath(s.path) || t.isPath(s.name) || t.isAddress(s.address) || t.isAddress(s.name) ||
		slices.Contains(t.Interfaces, s.name) || slices.Contains(t.Interfaces, s.address) || slices.ContainsFunc(t.Units, func(u string) bool {
		return s.name == u || s.name == u+".service"
	})
}

func (t Truth) isPath(p string) bool {
	p = strings.TrimSuffix(p, " (deleted)")
	if p == "" {
		return false
	}
	p = path.Clean(p)
	if slices.Contains(t.Paths, p) {
		return true
	}
	if slices.ContainsFunc(t.Dirs, func(dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }) {
		return true
	}
	return slices.ContainsFunc(t.Cgroups, func(c string) bool {
		c = strings.Trim(c, "/")
		return p == c || strings.HasSuffix(p, "/"+c)
	})
}

func (t Truth) isAddress(a string) bool {
	if a == "" {
		return false
	}
	if slices.Contains(t.Addresses, a) {
		return true
	}
	for _, own := range t.Addresses {
		if strings.HasPrefix(a, own+":") {
			return true
		}
	}
	port, err := strconv.Atoi(a[strings.LastIndexByte(a, ':')+1:])
	return err == nil && slices.Contains(t.Ports, port)
}

func (t Truth) names(text string) bool {
	return slices.ContainsFunc(t.Cause, func(pattern string) bool { return regexp.MustCompile("(?i)" + pattern).MatchString(text) })
}

// holds says whether a command contains the pid, the path, the port, the unit or whatever the culprit is called.
func (t Truth) holds(command string) bool {
	words := slices.Concat(t.Paths, t.Dirs, t.Addresses, t.Interfaces, t.Units)
	for _, n := range slices.Concat(t.PIDs, t.Ports) {
		words = append(words, strconv.Itoa(n))
	}
	for _, c := range t.Cgroups {
		words = append(words, strings.Trim(c, "/"))
	}
	return slices.ContainsFunc(words, func(w string) bool { return contains(command, w) })
}

// contains finds word in text where no letter or digit goes on with it at either end.
func contains(text, word string) bool {
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !alphanumeric(text[i-1])) && (end == len(text) || !alphanumeric(text[end])) {
			return true
		}
		from = i + 1
	}
	return false
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
