//go:build !unix

package devstack

import "os/exec"

// dieWithParent does nothing: this system can't tie a process to its parent. A
// child of ours still ends with its standard input; a foreign one stays if
// this process is killed.
func dieWithParent(*exec.Cmd) {}
