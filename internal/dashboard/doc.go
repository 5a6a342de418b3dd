// Package dashboard shows in a browser what internal/service answers, and lets
// people act there: pages made on the server, which need no script and ask for
// nothing from elsewhere.
//
// It may import internal/service and internal/access, the types that these speak
// of, and no implementation of a store. It judges nothing: what a page says is
// what a service.View says, and what a form does is an act of a service.Desk.
//
// It promises: a page shows one state of the ledger and names it; whatever comes
// from evidence is text, never markup, address or style; no page holds a style or
// a script of its own, and its policy forbids both; a page is refused to whoever
// lacks its permission, whatever links to it; and a raw payload is sent only after
// the ledger says who saw it. It stands behind access.Gate.Pages, which says who
// asks and refuses forms from elsewhere.
package dashboard
