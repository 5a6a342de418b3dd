// Package plain writes the sheets of a snapshot for programs and for who has
// no spreadsheet: a CSV file or a JSON lines file per sheet, with a manifest
// that names each by its digest.
//
// It may import internal/export, its sheets, cell and zipform. It promises:
// the same snapshot gives the same bytes; rows are streamed, and memory grows
// only with the rows that others lead to, by less than 100 bytes for each; no field of a
// CSV file starts a formula, wherever a program splits it; JSON lines hold
// every value as it was read, with its type.
//
// # CSV
//
// RFC 4180: fields separated by commas, lines ended by CR LF, quotes doubled.
// UTF-8 with a byte order mark, without which Excel takes the letters for
// others. Texts are made fit as in the workbook. Since a program may split
// lines at semicolons or inside a quoted field, a formula that begins after
// one of these has an apostrophe put before it too. Times are RFC 3339 in UTC,
// Y and N stand for yes and no, and the lines of a list follow one another
// within the field.
//
// # JSON lines
//
// One object per row, its fields in the order of the columns. A name is the
// column's title in lower case with "_" for what is neither letter nor digit:
// "event time (UTC)" is event_time_utc. Texts, times (RFC 3339, UTC) and
// statuses are strings, lists arrays, numbers numbers, yes and no booleans;
// what is blank is null. "_key" names the row where others lead to it, and
// "_links" says for a field which row of which sheet it leads to:
//
//	{"_key":"A.6.2.5","requirement":"A.6.2.5",…,"_links":{"evidence":{"sheet":"Evidence","key":"4f0c…"}}}
//
// A page of text has rows of section, what (title, note, fact, paragraph,
// status, link or number), key, series and text.
package plain
