// Package migrationfile reads and writes migration files: it imports and
// checks a source of any size in one pass, stages its records one a line,
// plans batches and waves, decodes staged lines, and writes reload.json,
// errors.csv and correlation.csv. Activities and the CLI call it; it works on
// readers and writers alone and never opens a file, a bucket or a connection.
//
// An import is four stages, each a file of its own:
//
//	source (bytes) → splitter (records) → checker (one record) → collector (all)
//
// The checker looks at one record and keeps nothing from one to the next, so
// records may be checked side by side; the collector takes them in file order.
package migrationfile
