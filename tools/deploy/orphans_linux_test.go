package deploy

import "syscall"

// dieWithParent has the kernel end a child when the thread that started it
// ends, should this process be killed before it can clean up.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
