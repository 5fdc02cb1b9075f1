package endpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// answer is what a name server said.
type answer struct {
	rcode         string
	records       []string // of the type that was asked for
	ttl           int      // seconds, the shortest
	authoritative bool
}

// Limits of asking.
const (
	firstWait  = 2 * time.Second // until a server is asked again, or the next one
	udpSize    = 1232            // what fits everywhere (DNS flag day 2020)
	maxRecords = 100
)

// errGarbage is an answer that is no DNS message, or another's.
var errGarbage = errors.New("the answer cannot be read")

// ask asks the servers in turn until one answers, twice around. server is the one that answered, or the last.
func ask(ctx context.Context, in checkers.Input, servers []string, name string, kind dnsmessage.Type) (a answer, server string, err error) {
	full, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return a, "", errors.New("the name is too long")
	}
	for round := range 2 {
		for _, server = range servers {
			limit := firstWait
			if round == 1 && server == servers[len(servers)-1] {
				limit = time.Hour // the last one has all the time that is left
			}
			a, err = askOne(ctx, in, server, dnsmessage.Question{Name: full, Type: kind, Class: dnsmessage.ClassINET}, limit)
			if err == nil || ctx.Err() != nil || errors.As(err, new(*refusal)) {
				return a, server, err
			}
		}
	}
	return a, server, err
}

// askOne asks over UDP, and over TCP where the answer is too long for that.
func askOne(ctx context.Context, in checkers.Input, server string, q dnsmessage.Question, limit time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, cut, err := exchange(ctx, in, "udp", server, q)
	if err == nil && cut {
		a, _, err = exchange(ctx, in, "tcp", server, q)
	}
	return a, err
}

func exchange(ctx context.Context, in checkers.Input, network, server string, q dnsmessage.Question) (a answer, cut bool, err error) {
	conn, err := dial(ctx, in, network, server)
	if err != nil {
		return a, false, err
	}
	defer conn.Close()
	defer closeAt(ctx, conn)()
	id := uint16(rand.Uint32()) //nolint:gosec // G404: it only tells answers apart; the socket is connected and lives for one question
	ask, err := question(id, q)
	if err != nil {
		return a, false, fmt.Errorf("write the question: %w", err)
	}
	if network == "tcp" {
		ask = append(binary.BigEndian.AppendUint16(nil, uint16(len(ask))), ask...)
	}
	if _, err := conn.Write(ask); err != nil {
		return a, false, err
	}
	for {
		raw, err := message(conn, network)
		if err != nil {
			return a, false, err
		}
		a, cut, err := read(raw, id, q)
		if err == nil || network == "tcp" {
			return a, cut, err
		}
		// Something else came in: an answer to an earlier question, or one that somebody made up. The right one may still come.
	}
}

// question writes one, with room for long answers (EDNS, RFC 6891).
func question(id uint16, q dnsmessage.Question) ([]byte, error) {
	var h dnsmessage.ResourceHeader
	if err := h.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions:   []dnsmessage.Question{q},
		Additionals: []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}},
	}
	return m.Pack()
}

// message reads one: a datagram, or over TCP what its length says.
func message(conn net.Conn, network string) ([]byte, error) {
	if network == "udp" {
		buf := make([]byte, 64<<10)
		n, err := conn.Read(buf)
		return buf[:n], err
	}
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(conn, buf)
	return buf, err
}

// read reads the answer to a question.
func read(raw []byte, id uint16, q dnsmessage.Question) (a answer, cut bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(raw)
	if err != nil || h.ID != id || !h.Response {
		return a, false, errGarbage
	}
	asked, err := p.AllQuestions()
	if err != nil || len(asked) > 1 || len(asked) == 1 && !sameQuestion(asked[0], q) || len(asked) == 0 && h.RCode == dnsmessage.RCodeSuccess {
		return a, false, errGarbage
	}
	a = answer{rcode: rcode(h.RCode), authoritative: h.Authoritative, records: []string{}}
	if h.Truncated {
		return a, true, nil
	}
	for len(a.records) < maxRecords {
		rh, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return a, false, errGarbage
		}
		if rh.Type != q.Type || rh.Class != q.Class { // on the way: aliases
			err = p.SkipAnswer()
		} else {
			var record string
			record, err = text(&p, rh.Type)
			if ttl := int(rh.TTL); len(a.records) == 0 || ttl < a.ttl {
				a.ttl = ttl
			}
			a.records = append(a.records, record)
		}
		if err != nil {
			return a, false, errGarbage
		}
	}
	return a, false, nil
}

func sameQuestion(a, b dnsmessage.Question) bool {
	return strings.EqualFold(a.Name.String(), b.Name.String()) && a.Type == b.Type && a.Class == b.Class
}

// text writes the record that the parser is at as people do.
func text(p *dnsmessage.Parser, kind dnsmessage.Type) (string, error) {
	name := func(n dnsmessage.Name) string { return strings.TrimSuffix(n.String(), ".") }
	switch kind {
	case dnsmessage.TypeA:
		r, err := p.AResource()
		return netip.AddrFrom4(r.A).String(), err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		return netip.AddrFrom16(r.AAAA).String(), err
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		return name(r.CNAME), err
	case dnsmessage.TypeMX:
		r, err := p.MXResource()
		return fmt.Sprintf("%d %s", r.Pref, name(r.MX)), err
	case dnsmessage.TypeTXT:
		r, err := p.TXTResource()
		return strings.ToValidUTF8(strings.Join(r.TXT, ""), "\uFFFD"), err
	case dnsmessage.TypeNS:
		r, err := p.NSResource()
		return name(r.NS), err
	default:
		return "", errGarbage
	}
}

// rcode is the name of an answer's code (RFC 1035 and IANA).
func rcode(c dnsmessage.RCode) string {
	names := map[dnsmessage.RCode]string{
		dnsmessage.RCodeSuccess: "NOERROR", dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeServerFailure: "SERVFAIL",
		dnsmessage.RCodeNameError: "NXDOMAIN", dnsmessage.RCodeNotImplemented: "NOTIMP", dnsmessage.RCodeRefused: "REFUSED",
	}
	if name := names[c]; name != "" {
		return name
	}
	return fmt.Sprintf("RCODE%d", c)
}

func sameAddress(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	return errX == nil && errY == nil && x == y
}
