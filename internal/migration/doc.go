// Package migration holds the words of one migration that programs, workflows
// and activities share: its settings, the outcome of a record, the summary,
// and where its files lie in the work bucket. It is pure data; it never does
// I/O. The JSON names are a contract with users' scripts.
package migration
