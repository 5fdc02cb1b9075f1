package host

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Of linux/sock_diag.h, linux/inet_diag.h and tcp_states.h.
const (
	sockDiagByFamily = 20
	stateListen      = 10
	diagRequest      = 56 // bytes of struct inet_diag_req_v2
	diagAnswer       = 72 // bytes of struct inet_diag_msg
)

// backlogs asks the kernel how long the accept queues may get, which /proc does not say, and fills it in as Send of the listening sockets. It
// needs no rights; where it does not work Send stays 0.
func backlogs(sockets []Socket) {
	most := map[uint64]uint32{} // by inode
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := listening(family, func(inode uint64, backlog uint32) { most[inode] = backlog }); err != nil {
			return
		}
	}
	for i := range sockets {
		if s := &sockets[i]; s.State == "LISTEN" {
			s.Send = uint64(most[s.Inode])
		}
	}
}

func listening(family byte, f func(inode uint64, backlog uint32)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000}); err != nil {
		return err
	}
	b := make([]byte, unix.NLMSG_HDRLEN+diagRequest)
	binary.NativeEndian.PutUint32(b[0:], uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b[16], b[17] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[20:], 1<<stateListen)
	if err = unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	in := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, in, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := parseDiag(in[:n], f); done || err != nil {
			return err
		}
	}
}

// parseDiag reads netlink messages of listening sockets. For these idiag_wqueue is the most that the accept queue holds.
func parseDiag(b []byte, f func(inode uint64, backlog uint32)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return true, errShape
		}
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			return true, errShape
		case sockDiagByFamily:
			if m := b[unix.NLMSG_HDRLEN:size]; len(m) >= diagAnswer && m[1] == stateListen {
				f(uint64(binary.NativeEndian.Uint32(m[68:])), binary.NativeEndian.Uint32(m[60:]))
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false, nil
}
