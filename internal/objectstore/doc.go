// Package objectstore is Ferry's way to S3 and to every store that speaks its
// protocol: streaming reads that survive a cut connection, uploads of unknown
// length in bounded memory, conditional writes, listings.
//
// Activities and programs call it. It knows nothing of migrations, keeps
// nothing on disk and never logs; what goes wrong comes back as an error. An
// error on which a caller decides is (or wraps) a *fault.Fault:
//
//	FILE_NOT_FOUND   final      no such bucket or no such key
//	FILE_UNREADABLE  final      the store refuses the credentials or the access
//	FILE_CHANGED     final      the object is not the one that was asked for (If-Match)
//	STORE_UNFIT      final      the store does not honour If-None-Match
//	BAD_INPUT        final      not an S3 URI
//	STORE_FAULT      retryable  5xx, throttling, network; final for other refusals
//
// The end of a caller's context is no fault: it comes back as an error that
// wraps context.Canceled or context.DeadlineExceeded.
package objectstore
