//go:build unix

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Plan says what to send.
type Plan struct {
	Address string // host:port of the hub
	Key     string // of a source
	Clients int    // connections, each with one request under way
	Batch   int    // alerts per request
	// The closed loop ends after For or after Alerts, whichever comes first; 0 means no such end.
	For    time.Duration
	Alerts int64
	// Rate makes an open loop of this many requests a second: the clock counts from when a request was due, not from when a
	// client was free for it.
	Rate float64
	// Distinct sends alerts 0 to Distinct-1 again and again; 0 makes every alert a new one.
	Distinct int64
}

// Result is what the hub answered.
type Result struct {
	First, End int64 // numbers of the alerts sent, End not included
	Start      time.Time
	Took       time.Duration // from the first request to the last answer
	Latencies  []time.Duration
	Refused    int64  // requests that were not answered 202
	Answer     string // the first of those answers
}

// Accepted is the number of alerts that the hub took.
func (r Result) Accepted(batch int) int64 {
	return (int64(len(r.Latencies)) - r.Refused) * int64(batch)
}

// Drive sends until the plan is done or ctx ends, and returns when every answer is in.
func (b *Book) Drive(ctx context.Context, p Plan) (Result, error) {
	d := &drive{book: b, plan: p, first: b.next.Load()}
	d.end = int64(Most)
	if p.Alerts > 0 {
		d.end = min(d.end, d.first+p.Alerts)
	}
	clients := make([]*client, p.Clients)
	for i := range clients {
		c, err := dial(ctx, p)
		if err != nil {
			return Result{}, err
		}
		defer c.conn.Close()
		clients[i] = c
	}
	d.start = time.Now()
	if p.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.For)
		defer cancel()
	}
	var wg sync.WaitGroup
	errs := make([]error, len(clients))
	for i, c := range clients {
		wg.Go(func() { errs[i] = d.loop(ctx, c) })
	}
	wg.Wait()
	r := Result{First: d.first, End: b.next.Load(), Start: d.start, Took: time.Since(d.start), Refused: d.refused.Load()}
	for _, c := range clients {
		r.Latencies = append(r.Latencies, c.took...)
	}
	slices.Sort(r.Latencies)
	if a := d.answer.Load(); a != nil {
		r.Answer = *a
	}
	return r, errors.Join(errs...)
}

type drive struct {
	book       *Book
	plan       Plan
	first, end int64
	start      time.Time
	due        atomic.Int64
	refused    atomic.Int64
	answer     atomic.Pointer[string]
}

func (d *drive) loop(ctx context.Context, c *client) error {
	batch := int64(d.plan.Batch)
	for ctx.Err() == nil {
		from := d.book.now()
		if d.plan.Rate > 0 {
			n := d.due.Add(1) - 1
			at := d.start.Add(time.Duration(float64(n) / d.plan.Rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(at)):
			case <-ctx.Done():
				return nil
			}
			from = int64(at.Sub(d.book.start))
		}
		seq := d.book.next.Add(batch) - batch
		if seq+batch > d.end {
			d.book.next.Add(-batch)
			return nil
		}
		for i := range batch {
			d.book.sent[seq+i] = from
		}
		c.request.patch(seq, d.plan.Distinct)
		status, answer, err := c.send()
		if err != nil {
			return err
		}
		c.took = append(c.took, time.Duration(d.book.now()-from))
		if status != 202 {
			text := fmt.Sprintf("%d %s", status, answer)
			d.refused.Add(1)
			d.answer.CompareAndSwap(nil, &text)
		}
	}
	return nil
}

// client is one kept-alive connection.
type client struct {
	conn    net.Conn
	read    *bufio.Reader
	request *request
	took    []time.Duration
	body    []byte
}

// answerLimit is how long one answer may take before the run is given up.
const answerLimit = 60 * time.Second

func dial(ctx context.Context, p Plan) (*client, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, fmt.Errorf("reach the hub: %w", err)
	}
	return &client{
		conn: conn, read: bufio.NewReaderSize(conn, 4096), request: newRequest(p.Address, p.Key, p.Batch, time.Now()),
		took: make([]time.Duration, 0, 1<<14),
	}, nil
}

func (c *client) send() (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(c.request.raw); err != nil {
		return 0, nil, fmt.Errorf("send alerts: %w", err)
	}
	status, length, err := readHead(c.read)
	if err != nil {
		return 0, nil, fmt.Errorf("read the hub's answer: %w", err)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.read, c.body); err != nil {
		return 0, nil, fmt.Errorf("read the hub's answer: %w", err)
	}
	return status, c.body, nil
}

var errNoLength = errors.New("an HTTP message without Content-Length")

// readHead reads the head of a request (status 0) or of an answer.
func readHead(r *bufio.Reader) (status, length int, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			if length < 0 {
				return 0, 0, errNoLength
			}
			return status, length, nil
		case first:
			if bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && len(line) >= 12 {
				status, err = strconv.Atoi(string(line[9:12]))
			}
		case line[0]|0x20 == 'c' && len(line) > 16 && bytes.EqualFold(line[:16], []byte("Content-Length: ")):
			length, err = strconv.Atoi(string(line[16:]))
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read an HTTP head: %w", err)
		}
	}
}
