// Package promql holds a test that reads the expressions of the alerts and the
// board in deploy/observability as Prometheus does. It is a module of its own,
// for the sake of Prometheus' parser.
package promql
