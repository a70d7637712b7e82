//go:build unix && !linux

package devstack

import (
	"os/exec"
	"syscall"
)

// dieWithParent gives the child a process group of its own, so that Ctrl-C in
// a terminal reaches only this process, which stops its servers in order. Only
// Linux can tie a process to its parent: here a child of ours still ends with
// its standard input, but a foreign one stays if this process is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
