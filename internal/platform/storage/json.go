package storage

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// JSON is a column that holds a document: jsonb on Postgres, text on SQLite.
type JSON[T any] struct{ V T }

// Doc wraps a value for storing.
func Doc[T any](v T) JSON[T] { return JSON[T]{V: v} }

// Value implements driver.Valuer.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	if err != nil {
		return nil, fmt.Errorf("encode a JSON column: %w", err)
	}
	return string(b), nil
}

// Scan implements sql.Scanner; NULL is the zero value.
func (j *JSON[T]) Scan(src any) error {
	var zero T
	j.V = zero
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return j.decode(v)
	case string:
		return j.decode([]byte(v))
	default:
		return fmt.Errorf("decode a JSON column: unexpected %T", src)
	}
}

func (j *JSON[T]) decode(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, &j.V); err != nil {
		return fmt.Errorf("decode a JSON column: %w", err)
	}
	return nil
}

// MarshalJSON gives the document itself.
func (j JSON[T]) MarshalJSON() ([]byte, error) { return json.Marshal(j.V) }

// UnmarshalJSON reads the document itself.
func (j *JSON[T]) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &j.V) }

// GormDataType implements schema.GormDataTypeInterface.
func (JSON[T]) GormDataType() string { return "json" }

// GormDBDataType implements gorm's migrator interface, used by the schema comparison only.
func (JSON[T]) GormDBDataType(db *gorm.DB, _ *schema.Field) string {
	if db.Name() == "postgres" {
		return "jsonb"
	}
	return "text"
}
