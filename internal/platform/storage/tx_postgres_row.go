package storage

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// pgRow is a row of an answer in Postgres' binary format; nil is NULL.
type pgRow [][]byte

// epoch is where Postgres counts time from: 2000-01-01, in microseconds since 1970.
const epoch = 946_684_800_000_000

// Scan implements Row. NULL is the zero value.
func (r pgRow) Scan(dest ...any) error {
	if len(dest) != len(r) {
		return fmt.Errorf("read a row: it has %d columns, %d are wanted", len(r), len(dest))
	}
	for i, d := range dest {
		if err := scanValue(r[i], d); err != nil {
			return fmt.Errorf("read column %d of a row: %w", i+1, err)
		}
	}
	return nil
}

func scanValue(raw []byte, dest any) error {
	switch d := dest.(type) {
	case *id.ID:
		*d = id.ID{}
		if raw != nil && copy(d[:], raw) != len(raw) || raw != nil && len(raw) != len(d) {
			return fmt.Errorf("%d bytes are no uuid", len(raw))
		}
	case *int:
		n, err := integer(raw)
		*d = int(n)
		return err
	case *int64:
		n, err := integer(raw)
		*d = n
		return err
	case *bool:
		*d = len(raw) == 1 && raw[0] != 0
	case *time.Time:
		*d = time.Time{}
		if raw == nil {
			return nil
		}
		n, err := integer(raw)
		*d = time.UnixMicro(n + epoch).UTC()
		return err
	case *[]byte:
		*d = clone(raw)
	case *json.RawMessage:
		*d = clone(raw)
	case *string:
		*d = string(raw)
	default:
		v := reflect.ValueOf(dest)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.String {
			return fmt.Errorf("no way to read into a %T", dest)
		}
		v.Elem().SetString(string(raw))
	}
	return nil
}

// integer reads a smallint, integer or bigint.
func integer(raw []byte) (int64, error) {
	switch len(raw) {
	case 0:
		return 0, nil
	case 2:
		return int64(int16(binary.BigEndian.Uint16(raw))), nil
	case 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	default:
		return 0, fmt.Errorf("%d bytes are no integer", len(raw))
	}
}

// clone keeps a value beyond its row; NULL stays nil.
func clone(raw []byte) []byte {
	if raw == nil {
		return nil
	}
	return append(make([]byte, 0, len(raw)), raw...)
}
