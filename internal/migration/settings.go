package migration

import "time"

// Limits are the error limits of a run. A value of 0 switches a limit off;
// a limit trips when its value is reached.
type Limits struct {
	ErrorRate   float64 `json:"errorRate"`   // failed ÷ finished, 0 to 1
	MinSample   int     `json:"minSample"`   // finished records before the rate counts
	Consecutive int     `json:"consecutive"` // neighbours in file order that all failed
	MaxFailures int     `json:"maxFailures"` // failed records in all
}

// Concurrency is how much is under way at once.
type Concurrency struct {
	Batches  int `json:"batches"`  // open batches, 1 to 32
	PerBatch int `json:"perBatch"` // open records in each, 1 to 200
}

// Settings are what a run goes by: the worker's configuration overlaid by the
// start's input, decided once when the run begins.
type Settings struct {
	Environment       string      `json:"environment"` // target.environment, e.g. "sandbox"
	DryRun            bool        `json:"dryRun"`
	RequireApproval   bool        `json:"requireApproval"`
	ApproveFirstWave  bool        `json:"approveFirstWave,omitempty"` // wait for approval after the first wave, too
	Reconcile         bool        `json:"reconcile"`
	Waves             bool        `json:"waves"`
	Limits            Limits      `json:"limits"`
	Concurrency       Concurrency `json:"concurrency"`
	BatchSize         int         `json:"batchSize"`         // records, 1 to 200
	RequestsPerSecond float64     `json:"requestsPerSecond"` // per worker; 0: unlimited
	MaxProblems       int         `json:"maxProblems"`       // kept in full in validation.json
	// Durations are whole seconds in JSON, so that people can read them.
	RetryBudgetSeconds int `json:"retryBudgetSeconds"` // one record's waiting while others pass
	HoldAfterSeconds   int `json:"holdAfterSeconds"`   // nothing but retryable faults for so long holds the run
	// SecondLookSeconds is how long the reconciliation waits before it looks
	// again at records that differed.
	SecondLookSeconds int `json:"secondLookSeconds,omitempty"`
	// ContinueAfterEvents is the length of the root's history at which it
	// continues as new.
	ContinueAfterEvents int `json:"continueAfterEvents"`
	// Notify has the summary posted to notify.url of the workers.
	Notify bool `json:"notify,omitempty"`
}

// RetryBudget is one record's retry budget.
func (s Settings) RetryBudget() time.Duration {
	return time.Duration(s.RetryBudgetSeconds) * time.Second
}

// HoldAfter is how long a route may answer nothing but retryable faults before
// the run holds itself.
func (s Settings) HoldAfter() time.Duration {
	return time.Duration(s.HoldAfterSeconds) * time.Second
}
