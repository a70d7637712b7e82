// Package dashboard is Ferry's web page: a list of migrations, a live page for
// each, forms to start and steer them, and their files. `ferry dashboard` and
// the dashboard program serve it.
//
// It shows what the progress query, the work bucket and Temporal's histories
// tell, and steers by the same starts and updates as the command line. It never
// calls the target, never writes to the work bucket but for source files that
// are uploaded or reloaded, and never shows a record's content: the files that
// hold it can only be downloaded, by operators.
//
// Pages are made on the server and work without JavaScript; with it they are
// kept up to date by server-sent events, and forms open as dialogs.
package dashboard
