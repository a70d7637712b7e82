// Package devstack starts on loopback what Ferry needs beside itself: an S3
// server and a Temporal dev server. The demo and the integration tests call
// it; workers never do.
//
// Each server is a process of its own that ends with Stop, and with the death
// of the process that started it. The context of a Start or Restart bounds the
// start alone; a server that is up stays up until it is stopped. Everything
// listens on 127.0.0.1 only. The package starts no worker and no sandbox.
//
// The S3 server is this very executable, started again with an environment
// variable, so main and TestMain call RunChild first.
package devstack
