package local

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// What an incident names is asked only on this host: its text comes from outside and must not make the hub knock at other doors.

const (
	askLimit  = 2500 * time.Millisecond // for one connection with its first byte
	slowFrom  = 900 * time.Millisecond
	mostAsked = 4
)

// netTargets connects to what the incident says was asked, where that is this host.
func netTargets(ctx context.Context, l *look) []finding {
	var asked []target
	for _, t := range l.targets.endpoints {
		if t.host != "" && !ours(strings.ToLower(t.host), l.b) || len(asked) == mostAsked {
			continue
		}
		if t.from == "instance" && l.words.topic(providers.Network) < .5 { // where an exporter answers, not what is wrong
			continue
		}
		asked = append(asked, t)
	}
	found := make([][]finding, len(asked))
	var wg sync.WaitGroup
	for i, t := range asked {
		wg.Go(func() {
			if f, ok := try(ctx, l, t); ok {
				found[i] = []finding{f}
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

// try connects to one target and says what is wrong with it.
func try(ctx context.Context, l *look, t target) (finding, bool) {
	ip := targetIP(l, t)
	at := address(ip, t.port)
	ask := func(send string) host.Connection {
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		return l.connect(ctx, at, send)
	}
	c := ask(question(l, t, at))
	switch {
	case c.Error == "refused" && c.Connected == 0:
		return refused(l, t, ip), true
	case c.Connected == 0:
		if ctx.Err() != nil || c.Error == "stopped" || c.Error == host.NotRecorded {
			return finding{}, false
		}
		return silent(l, t, at, c), true
	case question(l, t, at) == "" || !slow(c):
		return finding{}, false
	}
	return slowAnswer(l, t, at, c), true
}

// slow reports whether the first byte came late or not at all. A connection that was closed at once is another fault.
func slow(c host.Connection) bool {
	return c.FirstByte >= slowFrom || c.FirstByte == 0 && (c.Error == "timeout" || c.Error == "stopped")
}

// targetIP is where to connect: what the incident names, the address of this host when it names this host, loopback when it names none.
func targetIP(l *look, t target) string {
	name := strings.ToLower(strings.Trim(t.host, "[]"))
	switch {
	case name == "" || name == "localhost" || strings.HasPrefix(name, "localhost."), wild(name):
		if only6(l, t.port) {
			return "::1"
		}
		return "127.0.0.1"
	case strings.Contains(name, ":") || strings.Trim(name, "0123456789.") == "":
		return name
	}
	for _, a := range l.b.Addresses {
		if !strings.Contains(a, ":") && !loops(a) {
			return strings.SplitN(a, "/", 2)[0]
		}
	}
	return "127.0.0.1"
}

func only6(l *look, port int) bool {
	on := listeners(l.b, port)
	return len(on) > 0 && !slices.ContainsFunc(on, func(x *host.Socket) bool { return x.Local != "::1" })
}

// calm are paths that may be asked for on a stranger's word: they are made for it and change nothing.
var calm = []string{
	"/", "/health", "/healthz", "/health/", "/healthcheck", "/ready", "/readyz", "/live", "/livez", "/ping", "/status", "/metrics", "/up", "/api/health",
	"/api/healthz", "/-/healthy", "/-/ready", "/actuator/health", "/version",
}

// mute are ports of protocols in which the server waits, or does not speak HTTP.
var mute = []int{21, 22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 853, 993, 995, 1433, 1521, 3306, 3389, 5432, 5671, 5672, 6379, 8443, 9042, 9092, 11211, 26257, 27017}

// question is what to send: a GET where the incident is about answers over HTTP, or may be; else nothing.
func question(l *look, t target, at string) string {
	p := "/"
	switch {
	case t.url != "":
		u, err := url.Parse(t.url)
		if err != nil || u.Scheme != "http" {
			return ""
		}
		if slices.Contains(calm, u.Path) {
			p = u.Path
		}
	case slices.Contains(mute, t.port):
		return ""
	case !l.words.about([]string{
		"slow", "slowly", "slowness", "latency", "timeout", "timeouts", "timed out", "http", "https", "api", "response", "responses", "respond", "responding",
		"answer", "answers", "web", "request", "requests", "hang", "hangs", "hanging", "unresponsive", "health", "healthcheck", "endpoint", "late",
	}):
		return ""
	}
	return "GET " + p + " HTTP/1.1\r\nHost: " + at + "\r\nUser-Agent: incidenthub\r\nAccept: */*\r\nConnection: close\r\n\r\n"
}

// blamed is how bad it is that a target does not answer. What only an exporter's label says, or a number in a text, is a weaker sign.
func blamed(t target) float64 {
	switch t.from {
	case "instance":
		return abnormal
	case "text":
		return hurting + 5
	}
	return hurting + 8
}

// refused is a target where nothing listens: the process to blame listens elsewhere, or does not listen at all.
func refused(l *look, t target, ip string) finding {
	at := address(ip, t.port)
	f := finding{
		class: "nothing_listens", kind: providers.Network, score: blamed(t), share: 1, sure: .9,
		culprit: providers.Culprit{Kind: "endpoint", Address: at},
		about: []string{
			"refused", "connection refused", "listen", "listening", "listens", "port", "endpoint", "endpoint down", "unreachable", "connect", "connection", "down",
			"bind", "bound",
		},
		details: map[string]any{"address": at, "port": t.port},
		title:   "Nothing listens on " + at,
		description: fmt.Sprintf("Nothing listens on %s: connections to port %d are refused at once. The service behind it is not running, or it does not "+
			"listen there.", at, t.port),
		actions: []string{
			fmt.Sprintf("ss -ltnp 'sport = :%d'", t.port),
			fmt.Sprintf("curl -sv --max-time 3 -o /dev/null http://%s/", at),
			"systemctl list-units --failed --no-pager",
		},
	}
	if x, why := movedTo(l, t, ip); x != nil {
		there, pid := address(x.Local, x.Port), socketHolder(l, x)
		f.class, f.sure = "listens_elsewhere", .85
		f.about = append(f.about, "elsewhere", "wrong port", "wrong address", "localhost")
		f.culprit = socketCulprit(l, pid, there)
		f.details["listens_on"] = there
		f.title = fmt.Sprintf("Listens elsewhere: %s on %s instead of %s", who(l, pid), there, at)
		f.description = fmt.Sprintf("Nothing listens on %s, connections are refused. %s listens elsewhere, on %s: %s", at, upper(who(l, pid)), there, why)
		f.actions = append(socketActions(l, x.Port, pid), f.actions[0], "After a look at its settings: correct the address or port it listens on, and reload it.")
		return f
	}
	for _, p := range l.procs {
		if meant(l, p) {
			f.description += fmt.Sprintf(" %s runs, but has no listening socket there.", upper(p.label()))
			f.actions = append(f.actions, fmt.Sprintf("ss -ltnp | grep pid=%d,", p.PID))
			break
		}
	}
	for _, name := range l.targets.names[:min(1, len(l.targets.names))] {
		f.actions = append(f.actions, "systemctl status "+quote(clean(name, 80))+" --no-pager")
	}
	return f
}

// movedTo is the socket that should be where the target is, and why it is thought so.
func movedTo(l *look, t target, ip string) (*host.Socket, string) {
	for _, x := range listeners(l.b, t.port) { // the same port, another address
		if !takes(x, ip) {
			if loops(x.Local) {
				return x, "only connections from this host itself reach it there."
			}
			return x, fmt.Sprintf("the port is right, the address is not %s.", ip)
		}
	}
	type near struct {
		x     *host.Socket
		value int
		why   string
	}
	var list []near
	for _, x := range listeners(l.b, 0) {
		p := owner(l, socketHolder(l, x))
		if p == nil {
			continue
		}
		switch {
		case meant(l, p):
			list = append(list, near{x, 3, fmt.Sprintf("the incident names it, and port %d instead of %d is what it took.", x.Port, t.port)})
		case has(plain(p.Cmdline), strconv.Itoa(t.port)):
			list = append(list, near{x, 2, fmt.Sprintf("its command line speaks of port %d, and it listens on %d.", t.port, x.Port)})
		}
	}
	slices.SortStableFunc(list, func(x, y near) int {
		return cmp.Or(cmp.Compare(y.value, x.value), cmp.Compare(distance(x.x.Port, t.port), distance(y.x.Port, t.port)))
	})
	if len(list) == 0 {
		return nil, ""
	}
	return list[0].x, list[0].why
}

func distance(a, b int) int { return max(a-b, b-a) }

// meant reports whether the incident names a process: by its name, its script or a word of its command line.
func meant(l *look, p *proc) bool {
	_, script, _ := strings.Cut(p.called(), " ")
	bare, _, _ := strings.Cut(script, ".")
	for _, s := range []string{p.Name, script, bare} {
		if s != "" && l.words.names(s) && !common(s) {
			return true
		}
	}
	return slices.ContainsFunc(l.targets.names, func(name string) bool {
		name = strings.ToLower(strings.TrimSuffix(name, ".service"))
		if len(name) < 3 || interpreter(name) || common(name) {
			return false
		}
		return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(p.Cmdline), func(r rune) bool { return r == ' ' || r == '/' || r == '=' }), func(s string) bool {
			s, _, _ = strings.Cut(s, ".")
			return s == name
		})
	})
}

// common are names of processes that are words of incidents too.
func common(s string) bool {
	return slices.Contains([]string{"host", "service", "server", "system", "node", "app", "main", "test", "time", "check", "port", "http", "name", "top", "watch", "run"},
		strings.ToLower(s))
}

// silent is a target that does not even refuse.
func silent(l *look, t target, at string, c host.Connection) finding {
	f := finding{
		class: "no_connection", kind: providers.Network, score: min(blamed(t), hurting), share: .8, sure: .6,
		culprit: providers.Culprit{Kind: "endpoint", Address: at},
		about:   []string{"timeout", "timeouts", "unreachable", "connect", "connection", "endpoint", "port"},
		details: map[string]any{"address": at, "port": t.port, "error": clean(c.Error, 100)},
		title:   "No connection to " + at,
		actions: []string{
			fmt.Sprintf("ss -ltnp 'sport = :%d'", t.port), fmt.Sprintf("curl -sv --max-time 3 -o /dev/null http://%s/", at),
			"ip route get " + quote(machine(at)) + "; nft list ruleset | head -60",
		},
	}
	f.description = fmt.Sprintf("A connection to %s does not come about (%s).", at, clean(c.Error, 100))
	if on := listeners(l.b, t.port); len(on) > 0 {
		f.culprit = socketCulprit(l, socketHolder(l, on[0]), at)
		f.description += fmt.Sprintf(" %s listens there, with %d connections in its accept queue.", upper(who(l, socketHolder(l, on[0]))), on[0].Receive)
	}
	return f
}

// slowAnswer is a target that takes the connection at once and lets the caller wait.
func slowAnswer(l *look, t target, at string, c host.Connection) finding {
	f := finding{
		class: "slow_answer", kind: providers.Network, score: hurting, share: min(1, c.FirstByte.Seconds()/3), sure: .85,
		culprit: providers.Culprit{Kind: "endpoint", Address: at},
		about: []string{
			"slow", "slow answer", "slow response", "latency", "response time", "response", "timeout", "timeouts", "timed out", "late", "hang", "hangs", "unresponsive",
		},
		details: map[string]any{"address": at, "port": t.port, "connect_ms": ms(c.Connected), "first_byte_ms": ms(c.FirstByte)},
	}
	took := fmt.Sprintf("the first byte of an answer took %.1f s", c.FirstByte.Seconds())
	if c.FirstByte == 0 {
		f.share = 1
		took = fmt.Sprintf("no byte of an answer came within %.1f s", askLimit.Seconds())
	} else if c.FirstByte < 2*slowFrom {
		f.score = abnormal + 5
	}
	pid := 0
	for _, x := range listeners(l.b, t.port) {
		if takes(x, machine(at)) && pid == 0 {
			pid = socketHolder(l, x)
		}
	}
	f.culprit = socketCulprit(l, pid, at)
	f.title = fmt.Sprintf("Slow answer from %s (%s)", at, who(l, pid))
	f.description = fmt.Sprintf("Slow answer: %s takes connections in %.1f ms, but %s. Behind it is %s.", at, float64(c.Connected.Microseconds())/1000, took, who(l, pid))
	if p := owner(l, pid); p != nil {
		f.description += fmt.Sprintf(" It uses %s of a processor and is in state %s.", percent(p.cpu, 1), clean(p.State, 4))
		if p.State == "T" {
			f.score = min(f.score, abnormal)
		}
	}
	f.actions = append([]string{
		fmt.Sprintf("curl -s -o /dev/null --max-time 10 -w 'connect %%{time_connect} first byte %%{time_starttransfer}\\n' http://%s/", at),
	}, socketActions(l, t.port, pid)...)
	f.actions = append(f.actions, "After a look at what it waits for (its database, a lock, an upstream): mend that, or restart its service.")
	return f
}

func ms(d time.Duration) float64 { return round1(float64(d.Microseconds()) / 1000) }
