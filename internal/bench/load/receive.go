//go:build unix

package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Receiver is an HTTP receiver of notifications that answers 200 to everything and enters what arrives into a Book.
type Receiver struct {
	listener net.Listener
	book     atomic.Pointer[Book]
	wait     sync.WaitGroup
}

// NewReceiver listens on a free port.
func NewReceiver(ctx context.Context) (*Receiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	r := &Receiver{listener: l}
	r.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.wait.Go(func() { r.serve(conn) })
		}
	})
	return r, nil
}

// URL is where to send.
func (r *Receiver) URL() string { return "http://" + r.listener.Addr().String() + "/notify" }

// Into says where arrivals are entered from now on.
func (r *Receiver) Into(b *Book) { r.book.Store(b) }

// Close returns when every sender has hung up.
func (r *Receiver) Close() error {
	err := r.listener.Close()
	r.wait.Wait()
	return err
}

func (r *Receiver) serve(conn net.Conn) {
	defer conn.Close()
	read := bufio.NewReaderSize(conn, 32<<10)
	ok := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	var large []byte
	for {
		_, length, err := readHead(read)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			}
			return
		}
		body, err := read.Peek(min(length, read.Size()))
		if err == nil && length > read.Size() {
			large = append(large[:0], make([]byte, length)...)
			_, err = io.ReadFull(read, large)
			body, length = large, 0
		}
		if err != nil {
			return
		}
		if b := r.book.Load(); b != nil {
			if seq, found := seqOf(body); found {
				b.arrive(seq)
			} else {
				b.Strange.Add(1)
			}
		}
		if _, err := read.Discard(length); err != nil {
			return
		}
		if _, err := conn.Write(ok); err != nil {
			return
		}
	}
}
