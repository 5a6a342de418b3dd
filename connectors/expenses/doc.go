// Package expenses reads exports of cards, expense reports and invoices, and
// states per month which vendors of AI were paid, by which part of the
// organisation, how much and how often.
//
// It may import the standard library, golang.org/x/text and packages under
// plugins.
//
// It promises that amounts are added exactly; that charges which stand in
// several exports are counted once; that memory is bounded whatever the files
// hold; that a line which cannot be read is counted and named in a gap; and that
// nothing of a person leaves it but numbers, unless the settings ask for
// pseudonyms.
package expenses
