//go:build unix

package devstack

import (
	"io/fs"
	"os"
	"syscall"
)

// hasOwners reports whether this system's files have owners and modes.
const hasOwners = true

// own reports whether a file is this user's.
func own(info fs.FileInfo) bool { return ownerOf(info) == os.Geteuid() }

func ownOrRoots(info fs.FileInfo) bool { return own(info) || ownerOf(info) == 0 }

// ownerOf gives the user's number; -1 if it can't be known.
func ownerOf(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(stat.Uid)
}
