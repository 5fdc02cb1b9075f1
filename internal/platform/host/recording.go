package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Recording is all that a probe said, as JSON in a file of a test. It may hold command lines with secrets in them: look before you commit one.
type Recording struct {
	Note        string               `json:"note,omitempty"` // what was wrong with the host, for people
	Samples     []*Sample            `json:"samples"`
	Walks       []RecordedWalk       `json:"walks,omitempty"`
	Reads       []RecordedRead       `json:"reads,omitempty"`
	Lists       []RecordedList       `json:"lists,omitempty"`
	Pidfiles    []Pidfile            `json:"pidfiles,omitempty"`
	Connections []RecordedConnection `json:"connections,omitempty"`
	Answers     []Answer             `json:"answers,omitempty"`
}

// RecordedWalk is a walk and what was asked for.
type RecordedWalk struct {
	Root    string      `json:"root"`
	Options WalkOptions `json:"options"`
	Walk    *Walk       `json:"walk,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// RecordedRead is a file's text. One that changed while it was read several times is there once for each text, in order.
type RecordedRead struct {
	Path  string `json:"path"`
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
	Again int    `json:"again,omitempty"` // how many more times it said the same before it said something else
}

// RecordedList is a directory's names.
type RecordedList struct {
	Path  string   `json:"path"`
	Names []string `json:"names,omitempty"`
	Error string   `json:"error,omitempty"`
}

// RecordedConnection is a connection and what was sent.
type RecordedConnection struct {
	Connection
	Send string `json:"send,omitempty"`
}

// ReadRecording reads the JSON of a recording.
func ReadRecording(r io.Reader) (*Recording, error) {
	var rec Recording
	if err := json.NewDecoder(r).Decode(&rec); err != nil {
		return nil, fmt.Errorf("read a recorded host: %w", err)
	}
	for _, s := range rec.Samples {
		if s == nil {
			return nil, errors.New("read a recorded host: an empty sample")
		}
	}
	return &rec, nil
}

// Write writes the recording: one line for each element of a list, and without zero values, which read back as they were.
func (r *Recording) Write(w io.Writer) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write a recorded host: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out bytes.Buffer
	if err = lean(d, &out, 0, false); err != nil {
		return fmt.Errorf("write a recorded host: %w", err)
	}
	out.WriteByte('\n')
	if _, err = out.WriteTo(w); err != nil {
		return fmt.Errorf("write a recorded host: %w", err)
	}
	return nil
}

// lineDepth is how deep lines are broken: each process, mount and socket has one.
const lineDepth = 4

// lean copies one JSON value without members that are zero. Those of a pressure are kept (whole): there 0 and nothing differ.
func lean(d *json.Decoder, out *bytes.Buffer, depth int, whole bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		b, err := json.Marshal(token)
		out.Write(b)
		return err
	}
	out.WriteByte(byte(open))
	first := true
	for d.More() {
		start := out.Len()
		if !first {
			out.WriteByte(',')
		}
		if depth < lineDepth {
			out.WriteByte('\n')
		}
		pressure := false
		if open == '{' {
			from := out.Len()
			if err = lean(d, out, depth+1, false); err != nil { // the name
				return err
			}
			pressure = string(out.Bytes()[from:]) == `"pressure"`
			out.WriteByte(':')
		}
		at := out.Len()
		if err = lean(d, out, depth+1, pressure); err != nil {
			return err
		}
		if value := out.Bytes()[at:]; open == '{' && zero(value) && (!whole || string(value) != "0") {
			out.Truncate(start)
			continue
		}
		first = false
	}
	if depth < lineDepth && !first {
		out.WriteByte('\n')
	}
	out.WriteByte(byte(open) + 2) // in ASCII ] and } are two after [ and {
	_, err = d.Token()
	return err
}

func zero(b []byte) bool {
	switch string(b) {
	case "0", "null", "false", `""`, "[]", "{}", `"0001-01-01T00:00:00Z"`:
		return true
	}
	return false
}

// errorOf is a recorded error as what it was where that matters.
func errorOf(op, path, text string) error {
	switch text {
	case "":
		return nil
	case fs.ErrNotExist.Error():
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	case fs.ErrPermission.Error():
		return &fs.PathError{Op: op, Path: path, Err: fs.ErrPermission}
	}
	return &fs.PathError{Op: op, Path: path, Err: errors.New(text)}
}

// textOf is an error for a recording.
func textOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist.Error()
	case errors.Is(err, fs.ErrPermission):
		return fs.ErrPermission.Error()
	}
	return err.Error()
}
