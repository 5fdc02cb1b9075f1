// Package id makes and carries the row ids of every table: UUIDv7, so that id order is time order.
package id

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ID is a UUID: uuid in Postgres, 16 bytes in SQLite, the usual 36 characters in text. The zero value means "none" and is
// stored as NULL.
type ID [16]byte

// ErrMalformed is returned for text that is no UUID.
var ErrMalformed = errors.New("not a UUID")

// New returns a fresh UUIDv7 (RFC 9562). It panics only when the system has no randomness left.
func New() ID { return ID(uuid.Must(uuid.NewV7())) }

// Parse reads the 36 character form.
func Parse(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, fmt.Errorf("%w: %q", ErrMalformed, s)
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return ID{}, fmt.Errorf("%w: %q", ErrMalformed, s)
	}
	return ID(u), nil
}

// IsZero reports whether the id is unset.
func (i ID) IsZero() bool { return i == ID{} }

// String returns the 36 character form, or "" when unset.
func (i ID) String() string {
	if i.IsZero() {
		return ""
	}
	return uuid.UUID(i).String()
}

// MarshalText implements encoding.TextMarshaler.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; empty text is the zero id.
func (i *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = ID{}
		return nil
	}
	v, err := Parse(string(b))
	*i = v
	return err
}

// Value implements driver.Valuer.
func (i ID) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i[:], nil
}

// Scan implements sql.Scanner for both engines' forms.
func (i *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i = ID{}
		return nil
	case []byte:
		if len(v) == 16 {
			copy(i[:], v)
			return nil
		}
		return i.UnmarshalText(v)
	case string:
		return i.UnmarshalText([]byte(v))
	case [16]byte:
		*i = v
		return nil
	default:
		return fmt.Errorf("%w: %T", ErrMalformed, src)
	}
}

// GormDataType tells gorm that this is no text.
func (ID) GormDataType() string { return "uuid" }

// Before returns the least UUIDv7 of t's millisecond (RFC 9562, 5.7): ids made earlier are smaller.
func Before(t time.Time) ID {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(t.UnixMilli(), 0))<<16)
	var out ID
	copy(out[:6], b[:6])
	return out
}

// Time returns the millisecond in which a UUIDv7 was made, in UTC; of the zero id the beginning of 1970.
func (i ID) Time() time.Time {
	var b [8]byte
	copy(b[2:], i[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:]))).UTC()
}
