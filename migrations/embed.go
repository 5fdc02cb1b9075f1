// Package migrations embeds the schema: plain SQL, one folder per engine, the same file names and shapes in both.
package migrations

import "embed"

// FS holds postgres/*.sql and sqlite/*.sql.
//
//go:embed postgres/*.sql sqlite/*.sql
var FS embed.FS
