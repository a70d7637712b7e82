// Package chaos proves that whatever breaks, each entitlement ends up on the
// target exactly once and in the right state, or is named in the two files
// with what was done. It runs whole migrations of made-up files against real
// servers while a schedule of faults, a pure function of a seed, hits the
// workers, Temporal, the object store, the network and the target; then it
// holds the target against the file, field by field, and reads the books.
//
// The program chaosrun (`make test-faults`) and the package's own tests call
// it. Its checks share no code with what they check: they read the file, the
// reports and the target's answers as JSON. It runs on this machine alone, on
// loopback, and is never part of a worker.
package chaos
