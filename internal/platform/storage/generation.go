package storage

import (
	"context"
	"fmt"
)

// Generation counts changes of whatever processes cache: sources, channels, definitions, keys.
func (d *DB) Generation(ctx context.Context) (int64, error) {
	var n int64
	err := d.Read(ctx).Raw("SELECT generation FROM config_generation WHERE id = 1").Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("read the configuration's generation: %w", Classify(err))
	}
	return n, nil
}

// BumpGeneration tells every process to read its configuration again. Call it inside the transaction of the change.
func (d *DB) BumpGeneration(ctx context.Context) error {
	if err := d.From(ctx).Exec("UPDATE config_generation SET generation = generation + 1 WHERE id = 1").Error; err != nil {
		return fmt.Errorf("mark the configuration as changed: %w", err)
	}
	return nil
}
