package endpoint_test

import (
	"encoding/binary"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
)

// nameServer answers from memory over UDP, and over TCP what is too long for that.
type nameServer struct {
	address string
	asked   atomic.Int32
	reply   func(q dnsmessage.Message, tcp bool) [][]byte // datagrams in turn
}

func name(s string) dnsmessage.Name { return dnsmessage.MustNewName(s) }

// zone is what the name server of these tests knows.
func zone(m dnsmessage.Message, tcp bool) [][]byte {
	q := m.Questions[0]
	a := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	add := func(ttl uint32, r dnsmessage.ResourceBody) {
		a.Answers = append(a.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: ttl}, Body: r})
	}
	switch key := q.Name.String() + " " + strings.TrimPrefix(q.Type.String(), "Type"); key {
	case "www.example. A":
		add(300, &dnsmessage.CNAMEResource{CNAME: name("web.example.")})
		add(60, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}})
		add(90, &dnsmessage.AResource{A: [4]byte{192, 0, 2, 8}})
	case "www.example. AAAA":
		add(60, &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}})
	case "www.example. CNAME":
		add(300, &dnsmessage.CNAMEResource{CNAME: name("Web.Example.")})
	case "www.example. MX":
		add(300, &dnsmessage.MXResource{Pref: 10, MX: name("mx1.example.")})
		add(300, &dnsmessage.MXResource{Pref: 20, MX: name("mx2.example.")})
	case "www.example. TXT":
		add(300, &dnsmessage.TXTResource{TXT: []string{"v=spf1 ", "-all"}})
	case "www.example. NS":
		add(300, &dnsmessage.NSResource{NS: name("ns1.example.")})
	case "long.example. TXT":
		if !tcp {
			a.Truncated = true
			break
		}
		for range 30 {
			add(5, &dnsmessage.TXTResource{TXT: []string{strings.Repeat("x", 250), strings.Repeat("y", 250)}})
		}
	case "empty.example. A":
	case "fail.example. A":
		a.RCode = dnsmessage.RCodeServerFailure
	case "odd.example. A":
		a.RCode = 9
	case "refused.example. A":
		a.RCode = dnsmessage.RCodeRefused
	default:
		a.RCode = dnsmessage.RCodeNameError
	}
	raw, err := a.Pack()
	if err != nil {
		panic(err)
	}
	return [][]byte{raw}
}

func newNameServer(t *testing.T, reply func(q dnsmessage.Message, tcp bool) [][]byte) *nameServer {
	t.Helper()
	s := &nameServer{reply: reply}
	var udp net.PacketConn
	var tcp net.Listener
	for range 20 { // until a port is free for both
		var err error
		if udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		s.address = udp.LocalAddr().String()
		if tcp, err = net.Listen("tcp", s.address); err == nil {
			break
		}
		_ = udp.Close()
	}
	if tcp == nil {
		t.Fatal("no port is free for UDP and TCP")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, raw := range s.answer(t, buf[:n], false) {
				_, _ = udp.WriteTo(raw, from)
			}
		}
	})
	wg.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				head := make([]byte, 2)
				if _, err := io.ReadFull(conn, head); err != nil {
					return
				}
				buf := make([]byte, binary.BigEndian.Uint16(head))
				if _, err := io.ReadFull(conn, buf); err != nil {
					return
				}
				for _, raw := range s.answer(t, buf, true) {
					_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
				}
			})
		}
	})
	t.Cleanup(func() {
		_, _ = udp.Close(), tcp.Close()
		wg.Wait()
	})
	return s
}

func (s *nameServer) answer(t *testing.T, raw []byte, tcp bool) [][]byte {
	t.Helper()
	s.asked.Add(1)
	var m dnsmessage.Message
	if err := m.Unpack(raw); err != nil || len(m.Questions) != 1 || !m.RecursionDesired {
		t.Errorf("%v: %+v", err, m)
		return nil
	}
	return s.reply(m, tcp)
}

func TestDNS(t *testing.T) {
	t.Parallel()
	s := newNameServer(t, zone)
	for name, tt := range map[string]struct {
		config  map[string]any
		status  checkers.Status
		message string
	}{
		"A":                   {map[string]any{"name": "www.example"}, checkers.OK, "www.example A at " + s.address + ": answers 192.0.2.7, 192.0.2.8 in "},
		"with its dot":        {map[string]any{"name": "www.example."}, checkers.OK, "answers 192.0.2.7, 192.0.2.8"},
		"AAAA":                {map[string]any{"name": "www.example", "type": "aaaa", "expect": "2001:0db8:0::1"}, checkers.OK, "answers 2001:db8::1"},
		"CNAME":               {map[string]any{"name": "www.example", "type": "CNAME", "expect": "web.example."}, checkers.OK, "answers Web.Example"},
		"MX":                  {map[string]any{"name": "www.example", "type": "MX", "expect": []any{"mx2.example", "10 MX1.example."}}, checkers.OK, "answers 10 mx1.example, 20 mx2.example"},
		"MX, preference":      {map[string]any{"name": "www.example", "type": "MX", "expect": "5 mx1.example"}, checkers.Critical, "5 mx1.example is not among the answers"},
		"TXT":                 {map[string]any{"name": "www.example", "type": "TXT", "expect": []any{"v=spf1 -all"}}, checkers.OK, "answers v=spf1 -all"},
		"TXT in another case": {map[string]any{"name": "www.example", "type": "TXT", "expect": []any{"V=SPF1 -all"}}, checkers.Critical, "is not among the answers"},
		"NS":                  {map[string]any{"name": "www.example", "type": "NS", "expect": "ns1.example"}, checkers.OK, "answers ns1.example"},
		"expected":            {map[string]any{"name": "www.example", "expect": []any{"192.0.2.8"}}, checkers.OK, "answers"},
		"one is missing":      {map[string]any{"name": "www.example", "expect": []any{"192.0.2.8", "192.0.2.9"}}, checkers.Critical, "192.0.2.9 is not among the answers (192.0.2.7, 192.0.2.8)"},
		"long":                {map[string]any{"name": "long.example", "type": "TXT"}, checkers.OK, "answers xxx"},
		"no such name":        {map[string]any{"name": "nothing.example"}, checkers.Critical, "there is no such name (NXDOMAIN)"},
		"no such records":     {map[string]any{"name": "empty.example"}, checkers.Critical, "there are no records of type A"},
		"server failure":      {map[string]any{"name": "fail.example"}, checkers.Critical, "the name server says SERVFAIL"},
		"refused":             {map[string]any{"name": "refused.example"}, checkers.Critical, "the name server says REFUSED"},
		"a code of its own":   {map[string]any{"name": "odd.example"}, checkers.Critical, "the name server says RCODE9"},
		"slow":                {map[string]any{"name": "www.example", "warning_threshold": 0.0001}, checkers.Warning, ", the threshold is 0.0001 ms"},
		"several":             {map[string]any{"name": "www.example", "targets": []any{"nothing.example", map[string]any{"type": "MX"}}}, checkers.Critical, "1 of 3 targets not well: nothing.example A at "},
		"no name":             {nil, checkers.Unknown, "name or targets: want something to look at"},
		"bad name":            {map[string]any{"name": "a b"}, checkers.Unknown, "name: want a host name"},
		"bad type":            {map[string]any{"name": "a.example", "type": "ANY"}, checkers.Unknown, "type: want A, AAAA, CNAME, MX, TXT or NS"},
		"bad server":          {map[string]any{"name": "a.example", "server": "a/b"}, checkers.Unknown, "server: want a host name"},
		"label too long":      {map[string]any{"name": strings.Repeat("x", 70) + ".example"}, checkers.Critical, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := map[string]any{"server": s.address}
			maps.Copy(config, tt.config)
			expect(t, endpoint.DNS{}, config, tt.status, tt.message)
		})
	}
}

func TestDNSMetrics(t *testing.T) {
	t.Parallel()
	s := newNameServer(t, zone)
	r := expect(t, endpoint.DNS{}, map[string]any{"name": "www.example", "server": s.address}, checkers.OK, "")
	targets, _ := r.Metrics["targets"].(map[string]any)
	got, _ := targets["www.example A at "+s.address].(map[string]any)
	delete(got, "latency_ms")
	delete(got, "message")
	want := map[string]any{
		"status": checkers.OK, "up": true, "server": s.address, "rcode": "NOERROR", "answers": []string{"192.0.2.7", "192.0.2.8"}, "authoritative": true, "ttl_s": 60,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDNSLong(t *testing.T) {
	t.Parallel()
	s := newNameServer(t, zone)
	r := expect(t, endpoint.DNS{}, map[string]any{"name": "long.example", "type": "TXT", "server": s.address}, checkers.OK, "")
	targets, _ := r.Metrics["targets"].(map[string]any)
	got, _ := targets["long.example TXT at "+s.address].(map[string]any)
	answers, _ := got["answers"].([]string)
	if len(answers) != 20 || len(answers[0]) != 303 {
		t.Errorf("%d answers, the first of %d bytes", len(answers), len(strings.Join(answers[:1], "")))
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want once over UDP and once over TCP", n)
	}
}

// TestDNSHostile: what comes in beside the answer, or in its place.
func TestDNSHostile(t *testing.T) {
	t.Parallel()
	change := func(raw []byte, f func(m *dnsmessage.Message)) []byte {
		var m dnsmessage.Message
		if err := m.Unpack(raw); err != nil {
			panic(err)
		}
		f(&m)
		out, err := m.Pack()
		if err != nil {
			panic(err)
		}
		return out
	}
	forged := func(m *dnsmessage.Message) {
		for i := range m.Answers {
			if a, ok := m.Answers[i].Body.(*dnsmessage.AResource); ok {
				a.A = [4]byte{6, 6, 6, 6}
			}
		}
	}
	for name, tt := range map[string]struct {
		reply   func(q dnsmessage.Message, tcp bool) [][]byte
		status  checkers.Status
		message string
	}{
		"others' answers first": {func(q dnsmessage.Message, tcp bool) [][]byte {
			right := zone(q, tcp)[0]
			return [][]byte{
				{},
				{1, 2, 3},
				make([]byte, 60000),
				change(right, func(m *dnsmessage.Message) { forged(m); m.ID++ }),
				change(right, func(m *dnsmessage.Message) { forged(m); m.Response = false }),
				change(right, func(m *dnsmessage.Message) { forged(m); m.Questions[0].Name = dnsmessage.MustNewName("evil.example.") }),
				change(right, func(m *dnsmessage.Message) { forged(m); m.Questions = nil }),
				right[:len(right)-3], right,
			}
		}, checkers.OK, "answers 192.0.2.7, 192.0.2.8"},
		"nothing":      {func(dnsmessage.Message, bool) [][]byte { return nil }, checkers.Critical, "no answer within 2s"},
		"only garbage": {func(dnsmessage.Message, bool) [][]byte { return [][]byte{{0xff}} }, checkers.Critical, "no answer within 2s"},
		"too long for all": {func(q dnsmessage.Message, _ bool) [][]byte {
			return [][]byte{change(zone(q, true)[0], func(m *dnsmessage.Message) { m.Truncated = true })}
		}, checkers.Critical, "there are no records"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNameServer(t, tt.reply)
			expect(t, endpoint.DNS{}, map[string]any{"name": "www.example", "server": s.address, "timeout": 2}, tt.status, tt.message)
		})
	}
	expect(t, endpoint.DNS{}, map[string]any{"name": "www.example", "server": "127.0.0.1:1", "timeout": 5}, checkers.Critical, "refused: nothing listens there")
}

func TestDNSSystem(t *testing.T) {
	t.Parallel()
	// resolv.conf has no ports: only what it leads to can be seen.
	for name, tt := range map[string]struct{ text, message string }{
		"a server that refuses": {"# here\nnameserver 127.0.0.9\noptions ndots:2\n", "refused: nothing listens there"},
		"zones and nonsense":    {"nameserver fe80::1%eth9\nnameserver\nnameserver not/one\nnameserver 127.0.0.9\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := checkertest.Run(t, endpoint.DNS{ResolvConf: path}, nil, `{"name": "www.example", "timeout": 2}`)
			if r.Status != checkers.Critical || !strings.Contains(r.Message, tt.message) || r.Metrics["server"] != "127.0.0.9:53" {
				t.Errorf("%s: %s, by %v", r.Status, r.Message, r.Metrics["server"])
			}
		})
	}
	r := checkertest.Run(t, endpoint.DNS{ResolvConf: "/nowhere/resolv.conf"}, nil, `{"name": "www.example"}`)
	if r.Status != checkers.Unknown || !strings.Contains(r.Message, "give the check a server") {
		t.Errorf("%s: %s", r.Status, r.Message)
	}
}
