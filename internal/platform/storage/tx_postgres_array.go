package storage

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// arrays are the parameters of a statement: one array a column.
func arrays(o op) ([]any, error) {
	out := make([]any, o.rows.width)
	for c, col := range o.stmt.cols {
		a := &array{rows: o.rows, column: c, kind: col.Type}
		for i := range o.rows.Len() {
			if _, err := a.at(i); err != nil {
				return nil, fmt.Errorf("column %s: %w", col.Name, err)
			}
		}
		out[c] = a
	}
	return out, nil
}

// array is a column of rows as pgx encodes one, without a copy: what has to be converted shares one cell, since pgx is done with
// an element before it asks for the next.
type array struct {
	rows   *Rows
	column int
	kind   Type

	uuid pgtype.UUID
	int  pgtype.Int8
	time pgtype.Timestamptz
}

var _ pgtype.ArrayGetter = (*array)(nil)

// Dimensions implements pgtype.ArrayGetter.
func (a *array) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(a.rows.Len()), LowerBound: 1}}
}

// Index implements pgtype.ArrayGetter.
func (a *array) Index(i int) any {
	v, _ := a.at(i) // arrays has seen that there is no error
	return v
}

// IndexType implements pgtype.ArrayGetter.
func (a *array) IndexType() any {
	switch a.kind {
	case UUID, Key:
		return &a.uuid
	case Int, After:
		return &a.int
	case Time:
		return &a.time
	case Bool:
		return false
	case Bytes:
		return []byte(nil)
	default:
		return ""
	}
}

// at is element i as pgx takes it; nil is NULL.
func (a *array) at(i int) (any, error) {
	value := a.rows.values[i*a.rows.width+a.column]
	switch a.kind {
	case UUID, Key:
		v, ok := value.(id.ID)
		a.uuid = pgtype.UUID{Bytes: v, Valid: a.kind == Key || !v.IsZero()}
		return &a.uuid, storable(value, ok)
	case Int:
		n, ok := value.(int64)
		if small, is := value.(int); is {
			n, ok = int64(small), true
		}
		a.int = pgtype.Int8{Int64: n, Valid: true}
		if !ok {
			return nil, fmt.Errorf("no way to store a %T", value)
		}
		return &a.int, nil
	case After:
		v, ok := value.(time.Duration)
		a.int = pgtype.Int8{Int64: v.Microseconds(), Valid: true}
		return &a.int, storable(value, ok)
	case Time:
		v, ok := value.(time.Time)
		a.time = pgtype.Timestamptz{Time: v, Valid: !v.IsZero()}
		return &a.time, storable(value, ok)
	case Bool:
		v, ok := value.(bool)
		return v, storable(value, ok)
	case Bytes:
		v, ok := value.([]byte)
		if v == nil {
			return nil, storable(value, ok)
		}
		return value, nil
	default:
		return a.text(value)
	}
}

func storable(value any, ok bool) error {
	if !ok && value != nil {
		return fmt.Errorf("no way to store a %T", value)
	}
	return nil
}

func (a *array) text(value any) (any, error) {
	var size int
	switch v := value.(type) {
	case nil:
		return nil, nil //nolint:nilnil // NULL
	case string:
		size = len(v)
	case []byte:
		return a.text(json.RawMessage(v))
	case json.RawMessage:
		if size = len(v); size > 0 {
			value = []byte(v)
		} else {
			value = ""
		}
	default:
		rv := reflect.ValueOf(value)
		if rv.Kind() != reflect.String {
			return nil, fmt.Errorf("no way to store a %T", value)
		}
		size, value = rv.Len(), rv.String()
	}
	if size == 0 && a.kind != Text {
		return nil, nil //nolint:nilnil // NULL
	}
	return value, nil
}
