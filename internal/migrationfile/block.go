package migrationfile

// A block ends with the piece that reaches one of these. The first makes the
// cost of handing it from goroutine to goroutine small, the second bounds what
// can be found in it.
const (
	blockBytes  = 64 << 10
	blockPieces = 512
)

// block is a run of consecutive pieces on its way through the stages: the
// splitter fills it, a checker judges it, the collector takes it. Its buffers
// are used again.
type block struct {
	raw    []byte  // the records' bytes, one after the other
	quotes []quote // where their strings end; of lines that is not known
	pieces []piece

	staged   []byte    // sound records, compact, one a line
	checked  []checked // one a piece
	problems []Problem
	warnings []Warning

	done     chan struct{} // one is sent when the block has been checked
	panicked any           // what a checker panicked with
}

func newBlock() *block { return &block{done: make(chan struct{}, 1)} }

// piece is one record's bytes, or something wrong between records.
type piece struct {
	record     int
	place      place // where it starts
	start, end int   // in the block's raw
	quotes     int   // where the piece's end in the block's
	tooLarge   bool  // the bytes are not kept
	fault      *formatError
}

// checked is what the checker found out about one piece. Offsets are in the
// record's bytes. It holds no pointer, as there are many.
type checked struct {
	problems, warnings int // where the piece's end in the block's
	line               int // bytes in the block's staged; 0: not staged

	hasID, living  bool
	idPrint        fingerprint
	idOffset       int
	customerPrint  fingerprint // of customer and merchant, if living
	customerOffset int
	fate           fate // of a sound record

	// The collector's: the record that had the id or customer first, and how
	// many have had it.
	sameID, ids, sameCustomer, customers uint32
}

func (b *block) reset() {
	b.raw, b.quotes, b.pieces = b.raw[:0], b.quotes[:0], b.pieces[:0]
	b.staged, b.checked = b.staged[:0], b.checked[:0]
	b.problems, b.warnings = b.problems[:0], b.warnings[:0]
}

func (b *block) full() bool { return len(b.raw) >= blockBytes || len(b.pieces) >= blockPieces }

func (b *block) bytes(p piece) []byte { return b.raw[p.start:p.end] }
