// Package examples holds migration files to try Ferry with, all for route
// acme-nova. The demo embeds one; people copy them. Nothing in them is real.
package examples

import _ "embed"

//go:generate go run ./generate

// Acme200 is acme-200.json: 200 records in all six statuses, of which the
// sandbox refuses ten, two at each step, without tripping a default limit.
//
//go:embed acme-200.json
var Acme200 []byte

// AcmeClean is acme-clean.json: 30 records that all migrate.
//
//go:embed acme-clean.json
var AcmeClean []byte

// AcmeBad is acme-bad.json, which no validation accepts.
//
//go:embed acme-bad.json
var AcmeBad []byte
