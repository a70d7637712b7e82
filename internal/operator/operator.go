// Package operator starts, follows and steers migrations through Temporal, and
// reads what past ones left in the work bucket. The CLI and other programs for
// people call it. It never calls the target, and writes to the bucket only the
// source of a reload, and to purge a migration that is over; everything that
// changes a running one goes through the workflow's own start and updates.
package operator

import (
	"errors"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/f0a90b9a/ferry/config"
)

// What a program decides on. Each comes wrapped in an error that names the
// migration.
var (
	ErrUnknown  = errors.New("no such migration")
	ErrIDUsed   = errors.New("the id was used before")
	ErrNoWorker = errors.New("no worker is polling")
	ErrRefused  = errors.New("refused in this state")
)

// FailedError is how a root ended that failed: its typed error.
type FailedError struct {
	Migration string
	Code      string // such as FILE_NAME_USED; see internal/fault
	Message   string
}

// Error gives the message with its code.
func (e *FailedError) Error() string { return e.Migration + ": " + e.Code + ": " + e.Message }

// InterruptedError is how a root ended that was closed from outside.
type InterruptedError struct {
	Migration string
	How       string // terminated, timed out, canceled
}

// Error says how it ended.
func (e *InterruptedError) Error() string {
	return e.Migration + ": " + e.How + " before it had a result"
}

// Client is the way to migrations through Temporal. It is safe for concurrent
// use; its methods end with their context.
type Client struct {
	temporal    client.Client
	queue       string
	taskTimeout time.Duration
	inputs      inputs
}

// New makes a client of a connection, which stays the caller's to close.
func New(temporal client.Client, c config.Temporal) *Client {
	return &Client{temporal: temporal, queue: c.TaskQueue, taskTimeout: c.WorkflowTaskTimeout}
}

// Queue is the task queue that migrations are started on.
func (c *Client) Queue() string { return c.queue }
