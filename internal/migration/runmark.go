package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// RunMark is what the workflows of one migration know each other's messages by,
// and an activity their calls. It is made of what its claim says of its owner:
// the first run id stays the same when the root continues as new, is retried or
// is reset.
func RunMark(namespace, id, firstRunID string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"ferry", namespace, id, firstRunID}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
