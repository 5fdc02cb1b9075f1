package host_test

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// sockets are what ss shows, as "address:port" or, of connections, as two of them.
func sockets(t *testing.T, args ...string) map[string]bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ss", args...).Output()
	if err != nil {
		t.Fatalf("ss: %v; make packages installs it", err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line) // state, received, sent, local, peer
		if len(f) < 5 {
			t.Fatalf("ss says %q", line)
		}
		name := end(t, f[3])
		if f[0] != "LISTEN" {
			name += " " + end(t, f[4])
		}
		all[name] = true
	}
	return all
}

// end is one end of a socket in one spelling: ss writes every address of both kinds as "*", and names interfaces.
func end(t *testing.T, text string) string {
	t.Helper()
	at := strings.LastIndexByte(text, ':')
	address, port := strings.Trim(text[:at], "[]"), text[at+1:]
	address, _, _ = strings.Cut(address, "%")
	if address == "*" {
		address = "::"
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return net.JoinHostPort(a.Unmap().String(), port)
}

func named(t *testing.T, address string, port int) string {
	t.Helper()
	return end(t, net.JoinHostPort(address, strconv.Itoa(port)))
}

// between compares what was looked at between two looks of ss: all that stands in both, and nothing that stands in neither.
func between(what string, before, ours, after map[string]bool) (differ []string) {
	for name := range before {
		if after[name] && !ours[name] {
			differ = append(differ, fmt.Sprintf("%s: ss shows %s, which is missing", what, name))
		}
	}
	for name := range ours {
		if !before[name] && !after[name] {
			differ = append(differ, fmt.Sprintf("%s: %s, which ss does not show", what, name))
		}
	}
	return differ
}

// TestAgreesWithSs: what listens, and who is connected, is what ss shows, on sockets of all kinds.
func TestAgreesWithSs(t *testing.T) { //nolint:paralleltest // with the machine at rest
	var own []net.Listener
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "tcp": ":0"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), network, address)
		if err != nil {
			t.Logf("%s: %v", network, err) // a machine without IPv6
			continue
		}
		t.Cleanup(func() { _ = l.Close() })
		own = append(own, l)
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	var differ []string
	for range 10 { // others listen, and end it, between two looks
		if differ = differs(t, own); len(differ) == 0 {
			return
		}
	}
	for _, what := range differ {
		t.Error(what)
	}
}

// differs compares the sample and the check with ss once.
func differs(t *testing.T, own []net.Listener) (differ []string) {
	t.Helper()
	p := host.New(host.Config{})
	listening, connected := sockets(t, "-ltnH"), sockets(t, "-tnH", "state", "connected")
	sample, err := p.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checked := checkertest.Run(t, hostchecks.ListeningPorts{}, p, "")
	listeningAfter, connectedAfter := sockets(t, "-ltnH"), sockets(t, "-tnH", "state", "connected")

	found := map[string]map[string]bool{"LISTEN": {}, "": {}}
	for _, s := range sample.Sockets {
		if s.State == "LISTEN" {
			found["LISTEN"][named(t, s.Local, s.Port)] = true
		} else {
			found[""][named(t, s.Local, s.Port)+" "+named(t, s.Remote, s.RPort)] = true
		}
	}
	differ = between("the sample's listening sockets", listening, found["LISTEN"], listeningAfter)
	ended := sockets(t, "-tnH", "state", "time-wait", "state", "syn-recv") // of what ended meanwhile
	maps.Copy(connectedAfter, ended)
	for name := range connected {
		if connectedAfter[name] && !ended[name] && !found[""][name] {
			differ = append(differ, fmt.Sprintf("ss shows the connection %s, which is missing", name))
		}
	}
	for _, l := range own {
		a := netip.MustParseAddrPort(l.Addr().String())
		name := named(t, a.Addr().String(), int(a.Port()))
		if !listening[name] || !found["LISTEN"][name] {
			differ = append(differ, fmt.Sprintf("own socket %s: ss %v, the sample %v", name, listening[name], found["LISTEN"][name]))
		}
	}

	ports := map[string]bool{}
	for _, one := range checked.Metrics["ports"].([]map[string]any) {
		for _, a := range one["addresses"].([]string) {
			ports[named(t, a, one["port"].(int))] = true
		}
	}
	if len(ports) == 0 || checked.Metrics["listening_count"].(int) < len(checked.Metrics["ports"].([]map[string]any)) {
		t.Fatalf("%+v", checked)
	}
	if checked.Metrics["listening_count"].(int) == len(checked.Metrics["ports"].([]map[string]any)) { // it lists 100 at most
		differ = append(differ, between("the check's ports", listening, ports, listeningAfter)...)
	}
	t.Logf("%d listening, %d connected: %q", len(listening), len(connected), slices.Sorted(maps.Keys(ports)))
	return differ
}
