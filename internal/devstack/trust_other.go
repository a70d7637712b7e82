//go:build !unix

package devstack

import "io/fs"

// hasOwners reports whether this system's files have owners and modes. Where
// they don't, a user's own folders are guarded by other means.
const hasOwners = false

func own(fs.FileInfo) bool { return true }

func ownOrRoots(fs.FileInfo) bool { return true }
