package grants

import (
	"strings"
	"testing"
)

// Applications as administrators and vendors call them, with the vendor whose
// AI they are; empty for those that are not.
const labels = `
ChatGPT = OpenAI
ChatGPT Team (SSO) = OpenAI
ChatGPT Edu = OpenAI
OpenAI = OpenAI
Chat GPT = OpenAI
ChatGPT (macOS) = OpenAI
ChatGPT for Slack = OpenAI
Claude MCP = Anthropic
Claude for Chrome = Anthropic
Claude Connector = Anthropic
Cursor IDE = Anysphere
Otter AI Notetaker = Otter.ai
GitHub Copilot Chat = GitHub
Microsoft Copilot = Microsoft
Copilot for Microsoft 365 = Microsoft
Gemini for Workspace = Google
Gemini Enterprise = Google
OpenAI Platform - Prod = OpenAI
OpenAI ChatGPT Enterprise - SAML = OpenAI
Claude = Anthropic
Claude for Work = Anthropic
Anthropic Claude Team = Anthropic
Perplexity = Perplexity AI
Perplexity AI Enterprise Pro = Perplexity AI
GitHub Copilot = GitHub
Cursor = Anysphere
Cursor Enterprise = Anysphere
Windsurf = Cognition
Otter.ai = Otter.ai
Fireflies.ai Notetaker = Fireflies.ai
Read AI = Read AI
Grammarly Business = Grammarly
Microsoft 365 Copilot = Microsoft
NotebookLM = Google
Gemini for Google Workspace = Google
Hugging Face = Hugging Face
Hugging Face Enterprise Hub = Hugging Face
Mistral AI = Mistral AI
DeepL Pro = DeepL
Jasper = Jasper
Tactiq = Tactiq
Fathom AI Notetaker = Fathom
ElevenLabs = ElevenLabs
Gmail =
Google Drive =
Slack =
Zoom =
Zoom Workspace =
Microsoft Teams =
Microsoft Office =
Outlook =
GitHub =
GitHub Enterprise Cloud =
Notion =
Salesforce =
Workday =
Canva =
Claude Monet gallery =
Jean-Claude Van Lines =
Gemini Trust =
Gemini =
Cursor Mundi Museum =
Perplexity Escape Rooms =
Jasper County Library =
Harvey Nichols =
Merlin Entertainments Tickets =
Gamma Ray Imaging Portal =
Writer's Digest =
Runway Fashion Week =
Replica Watches =
Copilot Insurance Broker =
Manus Physiotherapy =
Anthropological Society =
OpenAIR Timesheets =
Chat GP Tandem Surgery =
Mistral Cafe Orders =
Poe Museum Members =
Together Trust Payroll =
Modal Shift Logistics =
Groq Spelling Bee =
Limitless Gym =
Wordtunes Music =
Devin the Dog Walker =
`

// A label of a product is told, at least by its name, and one that is only like
// a product's is not.
func TestLabels(t *testing.T) {
	m := matcher(t)
	right, found, wanted := 0, 0, 0
	for line := range strings.Lines(labels) {
		name, vendor, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		name, vendor = strings.TrimSpace(name), strings.TrimSpace(vendor)
		f, ok := m.Match(App{Name: name})
		told := ok && f.Confidence != Unresolved
		if vendor != "" {
			wanted++
		}
		if told {
			found++
		}
		switch {
		case told && f.Vendor == vendor:
			right++
		case told:
			t.Errorf("%s is told as %s of %q, want %q", name, f.ID, f.Vendor, vendor)
		case vendor != "":
			t.Errorf("%s is not told (%v)", name, f.Confidence)
		}
	}
	t.Logf("%d of %d told are right, %d of %d to tell", right, found, right, wanted)
}
