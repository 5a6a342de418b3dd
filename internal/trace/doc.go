// Package trace tells which control is reached by which evidence from which
// source: control × expectations × kinds × sources × automated, partial or
// manual. It finds the holes: a control without an expectation, an expectation
// with a kind that no source delivers.
//
// It may import internal/assess, internal/catalog, and the packages of the
// built-in sources for the names of their kinds. It is handed what each
// connector delivers. It promises that every control of the catalog is in
// its rows, in the catalog's order.
package trace
