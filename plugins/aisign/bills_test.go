package aisign

import "testing"

func TestBill(t *testing.T) {
	s := loaded(t)
	for _, c := range []struct{ biller, line, want string }{
		{"AWS EMEA", "Amazon Bedrock", "aws-bedrock"},
		{"", "AWS Amazon Bedrock - Claude 3.5 Sonnet", "aws-bedrock"},
		{"AWS EMEA", "Invoice 123: Amazon EC2; Amazon Bedrock 312.10; Amazon S3", "aws-bedrock"},
		{"AMAZON WEB SERVICES", "Claude 3.5 Sonnet (Amazon Bedrock Edition), 3 units", "aws-bedrock"},
		{"MSFT AZURE", "Nov: Azure OpenAI Service, West Europe", "azure-openai"},
		{"MICROSOFT IRELAND", "Azure OpenAI - gpt-4o", "azure-openai"},
		{"GOOGLE CLOUD EMEA", "Vertex AI and others", "google-vertex"},
	} {
		if got := firm(s.Bill(c.biller, c.line)); len(got) == 0 || got[0].ID != c.want {
			t.Errorf("%q, %q: %v", c.biller, c.line, ids(got))
		}
	}
	for _, c := range [][2]string{
		{"AWS EMEA", "Amazon EC2; Amazon S3"}, {"AMAZON BEDROCK HOTEL", "two nights"}, {"", "AMAZON BEDROCK HOTEL"}, {"EVENTBRITE", "Course on Vertex AI"},
		{"COPY SHOP", "Machine Learning service manual"}, {"", ""}, {"AWS", "copilot Kiro"}, {"AMAZON MARKETPLACE", "Amazon Q4 order"},
	} {
		if got := firm(s.Bill(c[0], c[1])); len(got) > 0 {
			t.Errorf("%q: found %v", c, ids(got))
		}
	}
}

// A trade behind the name of a vendor makes it another company.
func TestMerchantsOfOtherTrades(t *testing.T) {
	s := loaded(t)
	for _, text := range []string{
		"COHERE HEALTH", "PERPLEXITY PUZZLES", "LOVABLE PETS", "SUNO RESTAURANT", "ELEVEN LABS COFFEE", "FIREFLIES BAR AUSTIN TX", "BOLT NEW YORK TAXI", "PINECONE INN",
		"DEEPSEEK DIVING", "COHERE CLINIC LLC", "PERPLEXITY BOOKS",
	} {
		if got := firm(s.Merchant(text)); len(got) > 0 {
			t.Errorf("%q: found %v", text, ids(got))
		}
	}
	for text, want := range map[string]string{
		"COHERE INC. TORONTO": "cohere", "PERPLEXITY SAN FRANCISCO CA": "perplexity", "LOVABLE.DEV STOCKHOLM": "lovable", "FIREFLIES.AI": "fireflies",
		"BOLT.NEW STACKBLITZ": "bolt-new", "GROQ": "groq", "X.AI LLC": "xai", "OPENAI *CHATGPT SUBSCR NEW YORK": "openai", "MISTRALAI PARIS": "mistral",
	} {
		if got := firm(s.Merchant(text)); len(got) == 0 || got[0].ID != want {
			t.Errorf("%q: %v", text, ids(got))
		}
	}
}
