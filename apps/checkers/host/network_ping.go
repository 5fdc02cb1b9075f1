package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// errNoEcho is why no echo request can be sent from here.
var errNoEcho = errors.New("this process may not send echo requests")

// Types of messages: RFC 792, RFC 4443.
const (
	echo4, answer4 = 8, 0
	echo6, answer6 = 128, 129
)

// ping sends echo requests, one after the other, until one is answered.
func ping(ctx context.Context, to netip.Addr, times int) reached {
	conn, target, err := echoSocket(ctx, to)
	if err != nil {
		return reached{err: errNoEcho}
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var mark [8]byte
	_, _ = rand.Read(mark[:]) // it never fails
	end, limited := ctx.Deadline()
	r := reached{by: "icmp", err: errors.New("no answer")}
	for n := 1; n <= times && ctx.Err() == nil; n++ {
		if limited { // each request has its share of the time
			now := clock.System().Now()
			_ = conn.SetReadDeadline(now.Add(end.Sub(now) / time.Duration(times-n+1)))
		}
		watch := clock.Start()
		if _, err := conn.WriteTo(echo(to, uint16(n), mark[:]), target); err != nil {
			r.err = wordOf(ctx, err)
			continue
		}
		if awaitEcho(conn, to, mark[:]) {
			return reached{by: "icmp", latency: watch.Elapsed()}
		}
	}
	return r
}

// echo writes an echo request.
func echo(to netip.Addr, n uint16, mark []byte) []byte {
	msg := make([]byte, 8, 8+len(mark))
	msg[0] = echo4
	if to.Is6() {
		msg[0] = echo6
	}
	copy(msg[4:6], mark) // the kernel may put its own there
	binary.BigEndian.PutUint16(msg[6:8], n)
	msg = append(msg, mark...)
	if to.Is4() { // for version 6 the kernel does it
		binary.BigEndian.PutUint16(msg[2:4], checksum(msg))
	}
	return msg
}

// awaitEcho waits for the answer that has our mark: a socket may hear those to others.
func awaitEcho(conn net.PacketConn, from netip.Addr, mark []byte) bool {
	want := byte(answer4)
	if from.Is6() {
		want = answer6
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return false
		}
		msg := buf[:n]
		if from.Is4() && len(msg) >= 20 && msg[0]>>4 == 4 { // some systems leave the header of IP on it
			msg = msg[min(len(msg), int(msg[0]&0xf)*4):]
		}
		if len(msg) >= 8+len(mark) && msg[0] == want && bytes.Equal(msg[8:8+len(mark)], mark) {
			return true
		}
	}
}

// checksum of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
