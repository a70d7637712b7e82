package chaos

// Kind is what a fault does.
type Kind string

// The kinds of faults. A write "takes effect" when the target changes
// something for it, which a repeated identifier does not.
const (
	WorkerKilledInStep  Kind = "worker killed between a step's write and its answer"
	WorkerKilled        Kind = "worker killed at random"
	WorkerKilledInStore Kind = "worker killed between a write to S3 and its answer"
	WorkerFrozen        Kind = "worker frozen, its work taken over, then thawed"
	WorkerDrained       Kind = "worker stopped in order and replaced"
	TemporalKilled      Kind = "Temporal killed and restarted on its database"
	TemporalAndWorker   Kind = "Temporal and the worker killed at once"
	TemporalCut         Kind = "network to Temporal cut"
	AnswersLost         Kind = "answers lost after the write"
	AnswersSlow         Kind = "answers slower than the client's timeout"
	WritesLate          Kind = "writes done after the client has given up"
	ErrorsBefore        Kind = "5xx without the write"
	ErrorsAfter         Kind = "5xx after the write"
	Throttled           Kind = "429 with Retry-After"
	TargetReset         Kind = "connections to the target reset"
	AnswersCut          Kind = "answers of the target cut in the middle"
	Outage              Kind = "target away until the run probes for it"
	StoreStopped        Kind = "S3 stopped and started"
	StoreErrors         Kind = "S3 errors without the write"
	StoreLost           Kind = "S3 answers lost after the write"
	StoreReset          Kind = "connections to S3 reset"
	CreatesUnderWay     Kind = "creates cut off and done later, CONFLICT \"under way\" meanwhile"
)

// What is not a moment but a state, reported like faults.
const (
	SomeErrors         Kind = "2 % of all calls answered 5xx, for the whole run"
	SomeThrottled      Kind = "2 % of all calls answered 429, for the whole run"
	SomeAccepted       Kind = "5 % of all writes answered 202, for the whole run"
	ShortBudget        Kind = "records give up after seconds, for the whole run"
	IdentifiersExpired Kind = "identifiers expired between run and reload"
	OddAnswers         Kind = "3 % of all writes done and answered 201, 204, a page or nothing, for the whole run"
	StrangersInReports Kind = "reports with items that nobody asked for, for the whole run"
	LongRetryAfter     Kind = "Retry-After of minutes, days or nonsense, for the whole run"
	IDsKept            Kind = "external ids trimmed and folded, for the whole run"
	PageRefused        Kind = "reports refused because of one id"
	RecordForbidden    Kind = "a firewall's 403 for one record's step, until the reload"
	UniquenessOff      Kind = "uniqueness of external ids off at the reload"
)

// kinds lists all kinds in the order of the table, each with how often a
// schedule draws it. Those that the server notices only after a heartbeat's or
// a call's timeout, a minute or more, are drawn seldom.
var kinds = []struct {
	kind   Kind
	weight int
}{
	{WorkerKilledInStep, 8},
	{WorkerKilled, 6},
	{WorkerKilledInStore, 1},
	{WorkerFrozen, 3},
	{WorkerDrained, 3},
	{TemporalKilled, 5},
	{TemporalAndWorker, 3},
	{TemporalCut, 4},
	{AnswersLost, 7},
	{AnswersSlow, 4},
	{WritesLate, 5},
	{ErrorsBefore, 5},
	{ErrorsAfter, 5},
	{Throttled, 5},
	{TargetReset, 5},
	{AnswersCut, 3},
	{Outage, 3},
	{StoreStopped, 5},
	{StoreErrors, 5},
	{StoreLost, 5},
	{StoreReset, 3},
}

// AllKinds lists every kind, in the order of the table.
func AllKinds() []Kind {
	var all []Kind
	for _, k := range kinds {
		all = append(all, k.kind)
	}
	return append(all, CreatesUnderWay, OddAnswers, StrangersInReports, LongRetryAfter, IDsKept, PageRefused, RecordForbidden, SomeErrors, SomeThrottled, SomeAccepted, ShortBudget, IdentifiersExpired, UniquenessOff)
}
