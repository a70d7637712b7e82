package devstack

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when this process dies, however
// that happens. The child gets a process group of its own, so that Ctrl-C in a
// terminal reaches only this process, which stops its servers in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
