// Package reconcile judges how a migration's records compare with what a
// platform has of them: one record at a time with entitlements read from the
// target (Judge), or a whole migration with an entitlement report of the
// platform's (Report, Against). Activities call the first, the CLI the second.
// It works on values and readers alone, and never calls anybody.
package reconcile
