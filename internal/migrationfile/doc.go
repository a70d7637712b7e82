// Package migrationfile reads and writes migration files: it imports and
// checks a source of any size in one pass, stages its records one a line,
// plans batches and waves, decodes staged lines, and writes reload.json,
// errors.csv and correlation.csv. Activities and the CLI call it; it works on
// readers and writers alone and never opens a file, a bucket or a connection.
//
// An import is four stages, each a file of its own:
//
//	source (bytes) → splitter (records) → checker (one record) → collector (all)
//
// They work side by side (pipeline), on blocks of some hundred records. One
// goroutine reads, counts, hashes, unpacks and cuts. Checkers look at one
// record and keep nothing from one to the next, so there can be several, and
// most of the time is spent there. The collector takes the blocks in file order
// and is the only one to compare records, so the order in which blocks were
// checked shows nowhere.
//
// Records are decoded twice over: the scanner is fast and takes valid JSON
// alone, and for whatever it does not take the walker asks jsontext, which
// knows what is wrong and where. Fuzzing holds the two to each other.
package migrationfile
