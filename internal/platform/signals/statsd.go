package signals

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

const (
	maxPacket   = 1400            // bytes: fits a frame on any network
	maxSegment  = 80              // bytes of one part of a name
	dialTime    = 2 * time.Second // mostly the resolver's
	redialAfter = 5 * time.Second // of a failure
	resolveTime = time.Minute     // that an address is trusted
	sendTime    = time.Second
)

// statsdSink writes `<prefix>.<signal>.<stage>.<source>:<value>|<type>` over UDP, many lines a packet.
type statsdSink struct {
	address string
	prefix  string
	trouble trouble
	names   bounded // of sources: they come from outside
	conn    net.Conn
	dialled clock.Stopwatch // since the last try
	tried   bool
	packet  []byte
	events  int // that the packet has lines of
}

func newStatsdSink(host string, port int, prefix string, log *slog.Logger) (*statsdSink, error) {
	if host == "" || port < 1 || port > 65535 {
		return nil, fmt.Errorf("signals: statsd needs a host and a port, not %q and %d", host, port)
	}
	return &statsdSink{
		address: net.JoinHostPort(host, strconv.Itoa(port)), prefix: strings.Trim(prefix, "."), trouble: trouble{log: log, what: Statsd},
	}, nil
}

func (s *statsdSink) write(ctx context.Context, e *Event) (lost int) {
	var lines []byte
	for _, sig := range e.signals() {
		lines = s.line(lines, e, sig)
	}
	if len(s.packet)+len(lines) > maxPacket {
		lost = s.send(ctx)
	}
	s.packet = append(s.packet, lines...)
	s.events++
	return lost
}

func (s *statsdSink) line(b []byte, e *Event, sig signal) []byte {
	if s.prefix != "" {
		b = append(append(b, s.prefix...), '.')
	}
	b = append(append(b, sig.name...), '.')
	b = append(append(b, segment(e.Stage)...), '.')
	b = append(append(b, segment(s.names.of(e.Run.Source))...), ':')
	switch sig.metric {
	case timing:
		b = append(strconv.AppendFloat(b, milliseconds(sig.took), 'f', -1, 64), "|ms"...)
	case gauge:
		b = append(strconv.AppendInt(b, int64(sig.value), 10), "|g"...)
	default:
		b = append(b, "1|c"...)
	}
	return append(b, '\n')
}

func (s *statsdSink) flush(ctx context.Context) (lost int) { return s.send(ctx) }

// send empties the packet, whether it arrives or not.
func (s *statsdSink) send(ctx context.Context) (lost int) {
	if len(s.packet) == 0 {
		return 0
	}
	n := s.events
	packet := s.packet[:len(s.packet)-1] // without the last line's end
	s.packet, s.events = s.packet[:0], 0
	err := s.out(ctx, packet)
	s.trouble.saw(ctx, err)
	if err != nil {
		return n
	}
	return 0
}

var errWaiting = errors.New("it failed a moment ago")

func (s *statsdSink) out(ctx context.Context, packet []byte) error {
	if s.conn != nil && s.dialled.Elapsed() > resolveTime { // the name may have moved
		s.close()
	}
	if s.conn == nil {
		if s.tried && s.dialled.Elapsed() < redialAfter && s.trouble.broken {
			return errWaiting
		}
		s.tried, s.dialled = true, clock.Start()
		conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "udp", s.address)
		if err != nil {
			return fmt.Errorf("reach statsd: %w", err)
		}
		s.conn = conn
	}
	if err := s.conn.SetWriteDeadline(clock.System().Now().Add(sendTime)); err != nil {
		return fmt.Errorf("send to statsd: %w", err)
	}
	if _, err := s.conn.Write(packet); err != nil {
		return fmt.Errorf("send to statsd: %w", err)
	}
	return nil
}

func (s *statsdSink) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// segment makes text one part of a name: letters, digits, - and _; "none" for nothing.
func segment(text string) string {
	if text == "" {
		return "none"
	}
	if len(text) > maxSegment {
		text = text[:maxSegment]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, text)
}
