package soa

import (
	"fmt"
	"time"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const wordNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

const contentTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
	`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
	`<Default Extension="xml" ContentType="application/xml"/>` +
	`<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>` +
	`<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>` +
	`<Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml"/>` +
	`<Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/>` +
	`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>` +
	`</Types>`

const packageRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
	`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>` +
	`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>` +
	`</Relationships>`

const documentRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
	`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>` +
	`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer1.xml"/>` +
	`<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings" Target="settings.xml"/>` +
	`</Relationships>`

// settings ask for the layout of today's programs, not for that of old ones.
const settings = xmlHead + `<w:settings ` + wordNS + `><w:zoom w:percent="100"/><w:defaultTabStop w:val="720"/><w:compat>` +
	`<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>`

// Page, in twentieths of a point: A4 on its side.
const (
	pageWidth = 16838
	margin    = 850
	lineWidth = pageWidth - 2*margin
)

const section = `<w:sectPr><w:footerReference w:type="default" r:id="rId2"/><w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>` +
	`<w:pgMar w:top="850" w:right="850" w:bottom="850" w:left="850" w:header="425" w:footer="425" w:gutter="0"/></w:sectPr>`

// styles are few: a title, headings, body, and the texts of tables.
func styles() string {
	para := func(id, name, based, p, r string) string {
		if based != "" {
			based = `<w:basedOn w:val="` + based + `"/>`
		}
		return `<w:style w:type="paragraph" w:styleId="` + id + `"><w:name w:val="` + name + `"/>` + based + `<w:qFormat/><w:pPr>` + p + `</w:pPr><w:rPr>` + r + `</w:rPr></w:style>`
	}
	size := func(half int) string { return fmt.Sprintf(`<w:sz w:val="%d"/><w:szCs w:val="%d"/>`, half, half) }
	line := func(edge string) string {
		return `<w:` + edge + ` w:val="single" w:sz="4" w:space="0" w:color="` + rule + `"/>`
	}
	cells := `<w:tblCellMar><w:top w:w="45" w:type="dxa"/><w:left w:w="85" w:type="dxa"/><w:bottom w:w="45" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar>`
	return xmlHead + `<w:styles ` + wordNS + `><w:docDefaults><w:rPrDefault><w:rPr>` +
		`<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/><w:color w:val="` + ink + `"/>` + size(19) + `<w:lang w:val="en-GB"/></w:rPr></w:rPrDefault>` +
		`<w:pPrDefault><w:pPr><w:spacing w:after="100" w:line="259" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>` +
		`<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>` +
		para("Title", "Title", "Normal", `<w:keepNext/><w:spacing w:before="0" w:after="40"/>`, `<w:b/><w:color w:val="`+head+`"/>`+size(44)) +
		para("Subtitle", "Subtitle", "Normal", `<w:keepNext/><w:spacing w:after="200"/>`, `<w:color w:val="`+faint+`"/>`+size(24)) +
		para("Heading1", "heading 1", "Normal", `<w:keepNext/><w:spacing w:before="320" w:after="100"/><w:outlineLvl w:val="0"/>`, `<w:b/><w:color w:val="`+head+`"/>`+size(27)) +
		para("Banner", "Banner", "Normal", `<w:keepNext/><w:pBdr><w:top w:val="single" w:sz="8" w:space="4" w:color="`+alarm+`"/><w:bottom w:val="single" w:sz="8" w:space="4" w:color="`+alarm+
			`"/></w:pBdr><w:shd w:val="clear" w:color="auto" w:fill="`+pale+`"/><w:spacing w:before="60" w:after="200"/>`, `<w:b/><w:color w:val="`+alarm+`"/>`+size(24)) +
		para("Item", "Item", "Normal", `<w:spacing w:after="60"/><w:ind w:left="340" w:hanging="340"/>`, ``) +
		para("Note", "Note", "Normal", `<w:spacing w:after="80"/>`, `<w:color w:val="`+faint+`"/>`+size(17)) +
		para("Cell", "Cell", "Normal", `<w:spacing w:after="0" w:line="240" w:lineRule="auto"/>`, size(16)) +
		para("Together", "Together", "Cell", `<w:keepNext/>`, size(19)) +
		para("Code", "Code", "Cell", ``, `<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New" w:cs="Courier New"/>`+size(16)) +
		para("Footer", "footer", "Normal", `<w:pBdr>`+line("top")+`</w:pBdr><w:tabs><w:tab w:val="right" w:pos="`+fmt.Sprint(lineWidth)+`"/></w:tabs><w:spacing w:after="0" w:line="240" w:lineRule="auto"/>`,
			`<w:color w:val="`+faint+`"/>`+size(14)) +
		`<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/>` + cells + `</w:tblPr></w:style>` +
		`<w:style w:type="table" w:styleId="Plain"><w:name w:val="Plain"/><w:basedOn w:val="TableNormal"/><w:tblPr>` + cells + `</w:tblPr></w:style>` +
		`<w:style w:type="table" w:styleId="Grid"><w:name w:val="Grid"/><w:basedOn w:val="TableNormal"/><w:tblPr><w:tblBorders>` +
		line("top") + line("left") + line("bottom") + line("right") + line("insideH") + line("insideV") + `</w:tblBorders>` + cells + `</w:tblPr></w:style></w:styles>`
}

// properties date the file by the as-of: there is no other clock.
func properties(title string, asOf time.Time) string {
	var b builder
	b.WriteString(xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
		`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>`)
	b.escape(title)
	at := asOf.UTC().Format(time.RFC3339)
	b.WriteString(`</dc:title><dcterms:created xsi:type="dcterms:W3CDTF">` + at + `</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">` + at + `</dcterms:modified></cp:coreProperties>`)
	return b.String()
}

// footer names the snapshot and numbers the pages.
func footer(what, snapshot string) string {
	var b builder
	b.WriteString(xmlHead + `<w:ftr ` + wordNS + `><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr>`)
	b.text(what, look{})
	b.WriteString(`<w:r><w:tab/></w:r>`)
	b.text("Page ", look{})
	b.WriteString(field("PAGE"))
	b.text(" of ", look{})
	b.WriteString(field("NUMPAGES"))
	b.WriteString(`</w:p><w:p><w:pPr><w:pStyle w:val="Footer"/><w:pBdr><w:top w:val="nil"/></w:pBdr></w:pPr>`)
	b.text("Snapshot "+snapshot, look{})
	b.WriteString(`</w:p></w:ftr>`)
	return b.String()
}

// field is a number that the program which shows the file works out.
func field(name string) string {
	return `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> ` + name +
		` </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>`
}
