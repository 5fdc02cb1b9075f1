package local

import (
	"slices"
	"strings"
	"unicode"

	"github.com/incidenthub/incidenthub/providers"
)

// words are what the incident says, ready to be asked. They never say what is wrong, only which of several faults is meant.
type words struct {
	title  string // " high memory usage ": lower case, whole words, camel case taken apart
	text   string // the same of description, alerts and labels
	raw    string // everything in lower case as it was written, for names, paths and numbers
	topics map[string]float64
}

// topicWords are what makes an incident one about a kind, with how surely.
var topicWords = map[string]map[string]float64{
	providers.Memory: {
		"memory": 1, "mem": 1, "ram": 1, "oom": 1, "swap": .9, "rss": 1, "heap": .9, "leak": .8, "leaking": .8, "tmpfs": .8, "shm": .9,
		"oomkilled": 1, "slow": .2,
	},
	providers.Disk: {
		"disk": 1, "disks": 1, "storage": .9, "space": .8, "filesystem": 1, "filesystems": 1, "file system": 1, "inode": 1, "inodes": 1,
		"volume": .8, "partition": .9, "mount": .8, "mountpoint": .8, "iowait": 1, "io wait": 1, "read only": .9, "readonly": .9, "enospc": 1,
		"io": .7, "i o": .7, "writes": .6, "disk full": 1, "logs": .4, "slow": .4,
	},
	providers.CPU: {
		"cpu": 1, "cpus": 1, "load": .9, "processor": 1, "compute": .8, "throttled": .8, "throttling": .8, "loadavg": 1, "slow": .4,
		"core": .5, "cores": .5,
	},
	providers.Proc: {
		"process": 1, "processes": 1, "zombie": 1, "zombies": 1, "defunct": 1, "crash": 1, "crashed": 1, "crashing": 1, "crashloop": 1,
		"crash loop": 1, "restart": .8, "restarts": .9, "restarting": .9, "down": .5, "stopped": .8, "hung": .8, "hangs": .7, "hanging": .7,
		"stuck": .8, "not running": 1, "pid": .9, "pidfile": 1, "descriptor": 1, "descriptors": 1, "open files": 1, "fd": 1, "fds": 1,
		"threads": 1, "thread": .9, "fork": .9, "forks": .9, "died": .8, "exited": .8, "daemon": .7, "service": .4, "frozen": .7,
		"missing": .5, "unresponsive": .4, "uninterruptible": 1, "emfile": 1, "children": .7, "tasks": .7, "pids": .9,
	},
	providers.Network: {
		"network": 1, "connection": .9, "connections": .9, "connect": .9, "port": .9, "socket": .9, "sockets": .9, "tcp": 1, "dns": 1,
		"resolver": 1, "resolve": .6, "resolution": .8, "timeout": .6, "timeouts": .6, "latency": .7, "unreachable": .9, "refused": 1,
		"listen": .9, "listening": .9, "endpoint": .9, "http": .7, "link": .8, "interface": .8, "packet": .9, "packets": .9, "backlog": .9,
		"close wait": 1, "nic": .9, "api": .4, "slow": .4, "down": .5, "probe": .5, "url": .7, "accept": .7,
	},
}

// read takes the words out of a request. Checks count too: a failed check of memory makes it an incident about memory, by half.
func read(r *providers.Request) words {
	w := words{topics: map[string]float64{}}
	var text []string
	if i := r.Incident; i != nil {
		w.title = plain(i.Title)
		text = append(text, i.Title, i.Description)
		for _, k := range sorted(i.Labels) {
			text = append(text, i.Labels[k])
		}
		text = append(text, strs(i.Metadata)...)
	}
	for _, a := range r.Evidence.Alerts {
		text = append(text, a.Name, a.Description)
		for _, k := range sorted(a.Labels) {
			text = append(text, a.Labels[k])
		}
	}
	all := strings.Join(text, " \n ")
	if len(all) > 20000 {
		all = all[:20000]
	}
	w.text, w.raw = plain(all), strings.ToLower(all)
	for kind, list := range topicWords {
		for word, weight := range list {
			switch {
			case has(w.title, word):
			case has(w.text, word):
				weight *= .7
			default:
				continue
			}
			w.topics[kind] = max(w.topics[kind], weight)
		}
	}
	for _, c := range r.Evidence.Checks {
		if kind := kindOfCheck(c.Name); kind != "" && (c.Status == "warning" || c.Status == "critical") {
			w.topics[kind] = max(w.topics[kind], .4)
		}
	}
	return w
}

// topic is how much the incident is about a kind, 0..1.
func (w words) topic(kind string) float64 { return w.topics[kind] }

// about reports whether one of the words or pairs of words stands in the incident.
func (w words) about(list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return has(w.text, s) })
}

// names reports whether the incident names this very thing (a process, a path, a port) as a whole word. Short and common ones do not count.
func (w words) names(s string) bool {
	s = strings.ToLower(s)
	if len(s) < 3 || s == "/tmp" || s == "/var" || interpreter(s) {
		return false
	}
	for rest := w.raw; ; {
		i := strings.Index(rest, s)
		if i < 0 {
			return false
		}
		before, after := byte(' '), byte(' ')
		if i > 0 {
			before = rest[i-1]
		}
		if end := i + len(s); end < len(rest) {
			after = rest[end]
		}
		if !wordByte(before) && !wordByte(after) {
			return true
		}
		rest = rest[i+len(s):]
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// has finds a whole word, or words, in a text that plain made.
func has(text, word string) bool { return strings.Contains(text, " "+word+" ") }

// plain is s in lower case with one space around every word. Camel case falls apart: HostHighCpuLoad is " host high cpu load ".
func plain(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteByte(' ')
	last := ' '
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if unicode.IsUpper(r) && unicode.IsLower(last) {
				b.WriteByte(' ')
			}
			b.WriteRune(unicode.ToLower(r))
		} else if last != ' ' {
			b.WriteByte(' ')
			r = ' '
		} else {
			r = ' '
		}
		last = r
	}
	b.WriteByte(' ')
	return b.String()
}

// kindOfCheck is the kind of a host check by its name ("disk_linux"), or "".
func kindOfCheck(name string) string {
	switch {
	case strings.HasPrefix(name, "cpu"):
		return providers.CPU
	case strings.HasPrefix(name, "memory"):
		return providers.Memory
	case strings.HasPrefix(name, "disk"), name == "io_strain", name == "raid":
		return providers.Disk
	case strings.HasPrefix(name, "process"):
		return providers.Proc
	case strings.HasPrefix(name, "network"), name == "listening_ports", name == "http", name == "tcp", name == "dns", name == "tls_expiry":
		return providers.Network
	}
	return ""
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// strs are the texts at the top of a document, by key.
func strs(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []string
	for _, k := range keys {
		if s, ok := m[k].(string); ok {
			out = append(out, s)
		}
	}
	return out
}
