package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

const mask = "***"

// ErrPlain is returned when a String is about to be written to a database as it is.
var ErrPlain = errors.New("a secret is stored sealed by a Keyring, never as it is")

// String holds a secret text. However it is printed (fmt with any verb, JSON, slog, templates) it shows as ***, unset as
// nothing. The zero value is unset. Compare with Equal: == compares something else.
type String struct {
	// A pointer, because fmt prints unexported fields of a struct around this one without asking any method; then an
	// address comes out, not the secret.
	text *string
}

// NewString returns a String that holds text; unset when text is empty.
func NewString(text string) String {
	if text == "" {
		return String{}
	}
	return String{text: &text}
}

// Reveal returns the secret. It is called only where the secret is sent or used.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether s is unset.
func (s String) IsZero() bool { return s.text == nil }

// Equal reports whether both hold the same text, in a time that does not depend on where they differ.
func (s String) Equal(other String) bool { return Equal(s.Reveal(), other.Reveal()) }

// String implements fmt.Stringer.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// Format implements fmt.Formatter, so that %x, %q, %d and %#v show no more than %s.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler with the mask.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret over as it is.
func (s *String) UnmarshalText(b []byte) error {
	*s = NewString(string(b))
	return nil
}

// MarshalJSON implements json.Marshaler with the mask.
func (s String) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Value implements driver.Valuer: it refuses with ErrPlain.
func (s String) Value() (driver.Value, error) { return nil, ErrPlain }

// Equal compares two secret texts in constant time, whatever their lengths.
func Equal(a, b string) bool {
	ha, hb := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(ha[:], hb[:]) == 1
}
