package sources

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
)

// GroupBy says what makes one incident of several alerts. The zero value is the hub's rule: name and instance.
// As JSON: a list of label names, or "vendor" for the sender's own group key.
type GroupBy struct {
	Vendor bool
	Labels []string
}

const vendorWord = "vendor"

// MarshalJSON implements json.Marshaler.
func (g GroupBy) MarshalJSON() ([]byte, error) {
	if g.Vendor {
		return json.Marshal(vendorWord)
	}
	if g.Labels == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(g.Labels)
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *GroupBy) UnmarshalJSON(b []byte) error {
	var labels []string
	if err := json.Unmarshal(b, &labels); err == nil {
		*g = GroupBy{Labels: labels}
		return nil
	}
	var word string
	if err := json.Unmarshal(b, &word); err != nil || (word != vendorWord && word != "") {
		return errors.New(`group_by must be a list of label names or "vendor"`)
	}
	*g = GroupBy{Vendor: word == vendorWord}
	return nil
}

// Value implements driver.Valuer.
func (s Signature) Value() (driver.Value, error) { return s.String(), nil }

// Scan implements sql.Scanner.
func (s *Signature) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return s.UnmarshalText([]byte(v))
	case []byte:
		return s.UnmarshalText(v)
	default:
		return fmt.Errorf("read a signature scheme: unexpected %T", src)
	}
}
