// Package migrator is the step logic: which call comes next for a record and
// how an answer is judged. It knows nothing of Temporal, so that a workflow's
// activity and any other driver can use it. It calls a Target and keeps no
// state of its own.
package migrator
