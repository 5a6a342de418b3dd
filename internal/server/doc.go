// Package server is the one listener of the daemon: the dashboard, the API, the
// MCP server, the metrics and the checks of health behind it, and the pages by
// which people log in and out.
//
// It may import internal/access, internal/configfile for its section of the
// configuration, internal/opsdb, internal/people and internal/register. What it serves it is
// handed as http.Handlers; it knows no page of the dashboard and no operation.
//
// It promises that, without configuration, nobody but this machine is answered,
// and by no name but this machine's; that elsewhere it serves only by TLS, its
// own or that of a proxy that the configuration names, and only where somebody
// can be proved; that every answer carries the headers that keep a page from
// running what is not ours; that no query and no header reaches the log; and
// that a handler that panics, a client that dawdles and a request that is too
// large cost nothing but themselves.
package server
