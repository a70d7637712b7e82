package activities

const (
	// findPage is how many external ids one report call asks for.
	findPage = 100
	// findBytes bounds the records that one report call asks for, as they are
	// staged: the target's answer has them with all their data, spelt in its own
	// way, and an answer over 1 MiB is not read.
	findBytes = 128 << 10
)

// pageOf gives the first of some records, as many as one report call asks for.
func pageOf(records []stagedRecord) []stagedRecord {
	size := 0
	for i, r := range records {
		size += len(r.line)
		if i == findPage || i > 0 && size > findBytes {
			return records[:i]
		}
	}
	return records
}
