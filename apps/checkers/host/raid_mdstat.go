package host

import (
	"slices"
	"strconv"
	"strings"
)

// array is what /proc/mdstat says of one md array (Linux, drivers/md/md.c, md_seq_show).
type array struct {
	name    string
	state   string // active, inactive, or what a newer kernel says
	level   string // raid0, raid1, raid4, raid5, raid6, raid10, linear, multipath, faulty; "" while inactive
	members []member
	slots   int    // members it should have; 0: the level does not say
	working int    // of them
	missing int    // slots that the map [UU_] shows as empty
	outside bool   // a container of metadata that is kept from outside (Intel, DDF): never active itself
	action  string // recovery, resync, reshape, check, repair; "" when nothing goes on
	waits   string // DELAYED, PENDING, REMOTE: the action has not begun here
	percent float64
	finish  string // as the kernel says it: "127.5min"
}

type member struct {
	name  string
	flags string // F faulty, S spare, J journal, R replacement, W write-mostly
}

func (a *array) failed() (names []string) {
	for _, m := range a.members {
		if strings.Contains(m.flags, "F") {
			names = append(names, m.name)
		}
	}
	return names
}

// Bounds against a text that is no mdstat.
const (
	arraysMost  = 1024
	membersMost = 1024
)

// parseMdstat reads /proc/mdstat. Whatever it does not know it leaves out.
func parseMdstat(text string) []*array {
	var all []*array
	var a *array
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch name, rest, isArray := arrayLine(line); {
		case isArray && len(all) < arraysMost:
			a = parseArray(name, rest)
			all = append(all, a)
		case strings.TrimSpace(line) == "", !startsBlank(line): // an array ends with an empty line; other lines are about md itself
			a = nil
		case a != nil:
			a.detail(line)
		}
	}
	return all
}

func startsBlank(line string) bool { return line[0] == ' ' || line[0] == '\t' }

// arrayLine splits "md0 : active raid1 sdb1[1] sda1[0]".
func arrayLine(line string) (name, rest string, ok bool) {
	if line == "" || startsBlank(line) {
		return "", "", false
	}
	name, rest, ok = strings.Cut(line, ":")
	name = strings.TrimSpace(name)
	return name, rest, ok && name != "" && name != "Personalities" && name != "unused devices" && !strings.ContainsAny(name, " \t")
}

func parseArray(name, rest string) *array {
	a := &array{name: name}
	for i, word := range strings.Fields(rest) {
		m, isMember := parseMember(word)
		switch {
		case i == 0:
			a.state = word
		case isMember && len(a.members) < membersMost:
			a.members = append(a.members, m)
		case !isMember && !strings.HasPrefix(word, "(") && a.level == "": // (read-only), (auto-read-only)
			a.level = word
		}
	}
	return a
}

// parseMember reads "sde1[4](F)".
func parseMember(word string) (m member, ok bool) {
	name, rest, ok := strings.Cut(word, "[")
	if !ok || name == "" {
		return m, false
	}
	role, flags, ok := strings.Cut(rest, "]")
	if _, err := strconv.Atoi(role); !ok || err != nil {
		return m, false
	}
	for _, c := range flags {
		if c != '(' && c != ')' {
			m.flags += string(c)
		}
	}
	m.name = name
	return m, true
}

// mdActions are what md does to an array, by the words of old and new kernels.
var mdActions = []string{"recovery", "recover", "resync", "reshape", "check", "repair"}

// detail reads a line below an array's first one.
func (a *array) detail(line string) {
	words := strings.Fields(strings.ReplaceAll(line, "=", " = "))
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, "external:"):
			a.outside = true
		case strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]"):
			a.brackets(word[1 : len(word)-1])
		case i+2 < len(words) && words[i+1] == "=" && slices.Contains(mdActions, word):
			a.act(word, words[i+2])
		case i+2 < len(words) && words[i+1] == "=" && word == "finish":
			a.finish = words[i+2]
		}
	}
}

func (a *array) act(action, value string) {
	if action == "recover" {
		action = "recovery"
	}
	p, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
	switch {
	case err == nil && p >= 0 && p <= 100:
		a.action, a.percent, a.waits = action, p, ""
	case err != nil && value != "NONE" && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
		a.action, a.percent, a.waits = action, 0, value
	}
}

// brackets reads "4/3" (slots and working members) and "UUU_"; a bar of progress is neither.
func (a *array) brackets(text string) {
	if slots, working, ok := strings.Cut(text, "/"); ok {
		n, errN := strconv.ParseUint(slots, 10, 16)
		w, errW := strconv.ParseUint(working, 10, 16)
		if errN == nil && errW == nil {
			a.slots, a.working = int(n), int(w)
		}
		return
	}
	if text != "" && strings.Trim(text, "U_") == "" {
		a.missing = strings.Count(text, "_")
	}
}
