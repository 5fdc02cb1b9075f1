package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// errNoTerminal is why typing cannot be hidden.
var errNoTerminal = errors.New("not a terminal")

// questions asks a person at a terminal. What is asked goes to standard error, so that standard output holds results only.
type questions struct {
	out   io.Writer
	file  *os.File // the terminal, for hiding what is typed
	lines *bufio.Reader
}

// questions are nil when nobody sits at standard input.
func (p *Program) questions() *questions {
	f, ok := p.In.(*os.File)
	if !ok || !isTerminal(f) {
		return nil
	}
	return &questions{out: p.Err, file: f, lines: bufio.NewReader(f)}
}

// line reads what is typed up to the end of the line. It does not wait longer than ctx.
func (q *questions) line(ctx context.Context) (string, error) {
	type typed struct {
		text string
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		text, err := q.lines.ReadString('\n')
		done <- typed{text, err}
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(q.out)
		return "", errors.New("stopped; nothing was changed")
	case got := <-done:
		if got.err != nil && (got.text == "" || !errors.Is(got.err, io.EOF)) {
			return "", errors.New("the input ended; nothing was changed")
		}
		return strings.TrimSpace(got.text), nil
	}
}

// ask asks for a line; an empty one is the usual.
func (q *questions) ask(ctx context.Context, question, usual string) (string, error) {
	if usual != "" {
		question += " [" + usual + "]"
	}
	_, _ = fmt.Fprint(q.out, clean(question)+": ")
	got, err := q.line(ctx)
	if err == nil && got == "" {
		got = usual
	}
	return got, err
}

// secret asks for a line that is not shown while it is typed.
func (q *questions) secret(ctx context.Context, question string) (string, error) {
	_, _ = fmt.Fprint(q.out, clean(question)+": ")
	show, err := hideTyping(q.file)
	if err != nil {
		return "", fmt.Errorf("hide what is typed: %w; use --api-key-file", err)
	}
	defer show()
	got, err := q.line(ctx)
	if err == nil {
		_, _ = fmt.Fprintln(q.out)
	}
	return got, err
}

// choose asks for one of several, by number or by name, until it gets one.
func (q *questions) choose(ctx context.Context, names []string) (int, error) {
	for {
		got, err := q.ask(ctx, "Choose", "1")
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(got); err == nil && n >= 1 && n <= len(names) {
			return n - 1, nil
		}
		for i, name := range names {
			if strings.EqualFold(got, name) {
				return i, nil
			}
		}
		_, _ = fmt.Fprintf(q.out, "Type a number from 1 to %d, or a name.\n", len(names))
	}
}

// yes asks a question that is answered by yes or no, until it is.
func (q *questions) yes(ctx context.Context, question string) (bool, error) {
	for {
		got, err := q.ask(ctx, question+" (yes/no)", "yes")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(got) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}
