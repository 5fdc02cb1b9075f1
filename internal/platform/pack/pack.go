// Package pack compresses what is stored whole and seldom read: bodies as they were received, messages as they are sent.
package pack

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
)

// ErrDamaged is returned for packed bytes that cannot be unpacked.
var ErrDamaged = errors.New("the stored bytes are damaged")

// The encodings, as they stand beside packed bytes in a table.
const (
	Plain = 0
	S2    = 1 // one block (https://pkg.go.dev/github.com/klauspost/compress/s2)
)

// maxSize bounds what a block may unpack to, whatever its header says: more than any setting of the intake takes.
const maxSize = 256 << 20

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// Pack compresses b, which stays as it is.
func Pack(b []byte) (encoding int, packed []byte) {
	room, _ := scratch.Get().(*[]byte)
	defer scratch.Put(room)
	if n := s2.MaxEncodedLen(len(b)); cap(*room) < n {
		*room = make([]byte, n)
	}
	out := s2.Encode((*room)[:cap(*room)], b)
	if cap(*room) > 1<<20 {
		*room = nil // one large body must not be paid for ever after
	}
	return S2, append(make([]byte, 0, len(out)), out...)
}

// Unpack gives back what was packed. The error wraps ErrDamaged.
func Unpack(encoding int, packed []byte) ([]byte, error) {
	switch encoding {
	case Plain:
		return packed, nil
	case S2:
		if n, err := s2.DecodedLen(packed); err != nil || n > maxSize {
			return nil, ErrDamaged
		}
		b, err := s2.Decode(nil, packed)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return b, nil
	default:
		return nil, fmt.Errorf("%w: unknown encoding %d", ErrDamaged, encoding)
	}
}
