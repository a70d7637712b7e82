// Package api holds the published interface documents of Ferry, as they are in
// this folder, for the programs that check against them. It contains no code
// beyond that.
package api

import _ "embed"

// Resale is resale.yaml: the Resale API, migration profile, as OpenAPI 3.
//
//go:embed resale.yaml
var Resale []byte

// MigrationRecord is migration-record.schema.json: one record of a migration
// file, as JSON Schema 2020-12. Its description says what it can't express.
//
//go:embed migration-record.schema.json
var MigrationRecord []byte
