"""Makes the files beside it, with programs that nobody on this project wrote:

    python3 -m venv v && v/bin/pip install reportlab==5.1.0 python-docx==1.2.0 openpyxl==3.1.5 && v/bin/python make.py
"""
import datetime
import docx
import openpyxl
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Image as Picture, Paragraph, SimpleDocTemplate, Spacer

SECTIONS = [
    ("1. Purpose", "Why we govern the use of artificial intelligence."),
    ("2. Scope", "Every unit, and every system that is in the register."),
    ("3. Human oversight", "A person decides wherever a decision weighs on somebody. The Purpose of this rule is care."),
]


def pdf(name, encrypt=None, story=None):
    styles = getSampleStyleSheet()
    if story is None:
        story = [Paragraph("AI policy", styles["Title"])]
        for heading, text in SECTIONS:
            story += [Paragraph(heading, styles["Heading2"]), Paragraph(text * 8, styles["BodyText"]), Spacer(1, 12)]
    SimpleDocTemplate(name, pagesize=A4, title="AI policy", author="Northwind", encrypt=encrypt, invariant=1).build(story)


pdf("policy.pdf")
pdf("locked.pdf", encrypt="opensesame")
Image.new("RGB", (200, 280), "white").save("page.png")
pdf("scan.pdf", story=[Picture("page.png", 400, 560)])

d = docx.Document()
d.core_properties.title = "AI policy"
d.core_properties.identifier = "ai-policy"
d.core_properties.version = "2.0"
d.core_properties.created = d.core_properties.modified = datetime.datetime(2026, 1, 5)
d.add_heading("AI policy", 0)
for heading, text in SECTIONS:
    d.add_heading(heading, 1)
    d.add_paragraph(text)
t = d.add_table(rows=1, cols=3)
for c, text in zip(t.rows[0].cells, ["Person", "Course", "Completed at"]):
    c.text = text
for row in [("ann", "AI basics", "2026-01-07"), ("bo", "AI basics", "2026-01-08")]:
    for c, text in zip(t.add_row().cells, row):
        c.text = text
d.save("policy.docx")

w = openpyxl.Workbook()
w.properties.title = "Training register"
w.properties.created = w.properties.modified = datetime.datetime(2026, 1, 5)
s = w.active
s.title = "2026"
s.append(["Employee", "Course", "Completed at", "Score", "Passed"])
s.append(["ann", "AI basics", datetime.date(2026, 1, 7), 0.95, True])
s.append(["bo", "AI basics", datetime.datetime(2026, 1, 8, 14, 30), 1, False])
s.append(["cy", "AI basics", "soon", None, None])
s.append([])
s.append(["=UPPER(\"dee\")", "AI basics", datetime.date(2026, 1, 9), None, None])
s.append([7, "AI basics", datetime.date(2026, 1, 10), 88, None])
h = w.create_sheet("old")
h.sheet_state = "hidden"
h.append(["Employee", "Course", "Completed at"])
h.append(["eve", "AI basics", datetime.date(2025, 1, 10)])
w.save("training.xlsx")
