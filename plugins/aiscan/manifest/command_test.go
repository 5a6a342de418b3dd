package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommand(t *testing.T) {
	tests := []struct{ shell, want string }{
		{"pip install openai", "1 pypi openai"},
		{"pip3 install --no-cache-dir 'openai>=1.0' anthropic==0.2 -r requirements.txt", "1 pypi anthropic ==0.2\n1 pypi openai >=1.0"},
		{"python3.11 -m pip install -U -q torch --index-url https://download.example.com/whl/cu121", "1 pypi torch"},
		{"RUN --mount=type=cache,target=/root/.cache pip install \\\n    openai \\\n    # a remark\n    langchain[all] && rm -rf /x", "2 pypi openai\n4 pypi langchain[all]"},
		{"apt-get update && apt-get install -y openai && sudo -H pip install cohere", "1 pypi cohere"},
		{"!pip install -q transformers", "1 pypi transformers"},
		{"%pip install groq\n%conda install pytorch=2.3", "1 pypi groq\n2 conda pytorch 2.3"},
		{"pip install -e . ./local dist/x.whl ../y", ""},
		{"pip install -e git+https://github.com/acme/tool.git@v1#egg=tool", "1 pypi tool v1"},
		{"pip install git+https://user:pw@github.com/acme/tool", "1 pypi tool"},
		{"pip install \"openai==${VERSION}\" $EXTRA", "1 pypi openai [templated]"},
		{"# pip install mistralai", "1 pypi mistralai [commented]"},
		{"echo 'pip install openai'", ""},
		{"echo pip install openai", ""},
		{"pip uninstall openai; pip freeze; pip show cohere", ""},
		{"pip download openai", "1 pypi openai"},
		{"pipx run cohere-cli; pipx install llm; pipx inject llm llm-claude", "1 pypi cohere-cli\n1 pypi llm\n1 pypi llm-claude"},
		{"uv add --dev ruff && uv add openai && uv pip install torch && uv tool install aider-chat", "1 pypi aider-chat\n1 pypi openai\n1 pypi ruff [development]\n1 pypi torch"},
		{"uvx --from open-interpreter interpreter\nuvx mcp-server-fetch@0.6\nuv run --with openai,rich x.py", "1 pypi open-interpreter\n2 pypi mcp-server-fetch ==0.6\n3 pypi openai\n3 pypi rich"},
		{"poetry add openai@^1.0 --group dev", "1 pypi openai ^1.0 [development]"},
		{"pdm add -dG test pytest", "1 pypi pytest [development]"},
		{"pipenv install --dev pytest", "1 pypi pytest [development]"},
		{"conda install -y -c pytorch -n env pytorch torchvision>=0.18", "1 conda pytorch\n1 conda torchvision >=0.18"},
		{"mamba create -n x python=3.11 transformers", "1 conda transformers"},
		{"pixi add --pypi openai", "1 pypi openai"},
		{"npm install openai @anthropic-ai/sdk@^0.20 --save", "1 npm @anthropic-ai/sdk ^0.20\n1 npm openai"},
		{"npm i -D ollama; npm ci; npm run openai; npm install", "1 npm ollama [development]"},
		{"npm install -g @anthropic-ai/claude-code@latest", "1 npm @anthropic-ai/claude-code latest"},
		{"npx -y @modelcontextprotocol/server-github", "1 npm @modelcontextprotocol/server-github"},
		{"npx -p openai -c 'x'", "1 npm openai"},
		{"yarn add --dev cohere-ai\nyarn install\nyarn dlx ollama", "1 npm cohere-ai [development]\n3 npm ollama"},
		{"pnpm add -D openai && pnpm dlx groq-sdk && bun add ai && bunx @openai/codex", "1 npm @openai/codex\n1 npm ai\n1 npm groq-sdk\n1 npm openai [development]"},
		{"npm install ./local file.tgz owner/repo", ""},
		{"deno add npm:openai jsr:@std/path && deno run -A npm:cohere-ai/x", "1 jsr @std/path\n1 npm cohere-ai\n1 npm openai"},
		{"go install github.com/ollama/ollama@latest\ngo get github.com/sashabaranov/go-openai@v1.2.3 ./...\ngo build ./...", "1 go github.com/ollama/ollama latest\n2 go github.com/sashabaranov/go-openai v1.2.3"},
		{"go run github.com/acme/tool/cmd/x@v1", "1 go github.com/acme/tool v1"},
		{"cargo add async-openai@0.21 --dev && cargo install --locked ort --version 2.0 && cargo build", "1 cargo async-openai 0.21 [development]\n1 cargo ort 2.0"},
		{"gem install ruby-openai -v 6.0 && bundle add anthropic --group test && bundle install", "1 gem anthropic [development]\n1 gem ruby-openai 6.0"},
		{"dotnet add App.csproj package OpenAI --version 2.0.0\ndotnet tool install -g x.y\ndotnet add reference Z", "1 nuget OpenAI 2.0.0\n2 nuget x.y [development]"},
		{"Install-Package OllamaSharp -Version 2.0", "1 nuget OllamaSharp 2.0"},
		{"composer require --dev openai-php/client:^0.8 ext-json", "1 composer openai-php/client ^0.8 [development]"},
		{"dart pub add dart_openai:^5 && flutter pub add dev:x", "1 pub dart_openai ^5\n1 pub x [development]"},
		{"Rscript -e \"install.packages(c('openai','torch'), repos='https://x')\"", "1 cran openai\n1 cran torch"},
		{"bash -lc 'pip install openai && npm i ai'", "1 npm ai\n1 pypi openai"},
		{`["pip", "install", "openai==1.0"]`, "1 pypi openai ==1.0"},
		{"if [ -n \"$AI\" ]; then pip install openai; fi", "1 pypi openai"},
		{"pip install openai > /dev/null 2>&1 || true", "1 pypi openai"},
		{"X=1 PIP_NO_CACHE=1 pip install openai", "1 pypi openai"},
		{"/opt/venv/bin/pip install openai", "1 pypi openai"},
		{"cat <<EOF\npip install openai\nEOF", "2 pypi openai"},
		{"cpanm OpenAI::API; luarocks install lua-openai 1.0; vcpkg install onnxruntime:x64-linux; conan install --requires=fmt/10.0", "1 conan fmt 10.0\n1 cpan OpenAI::API\n1 luarocks lua-openai 1.0\n1 vcpkg onnxruntime"},
		{"pip install `openai`", ""},
		{"\t@$(PIP) install openai\n\t-$(PYTHON) -m pip install cohere\n\t${NPM} i ai\n\t$(VENV)/bin/pip install groq", "1 pypi openai\n2 pypi cohere\n3 npm ai\n4 pypi groq"},
		{"pipx run --spec aider-chat aider --message \"repair\"", "1 pypi aider-chat"},
		{"", ""},
		{"\\", ""},
		{"'", ""},
	}
	for _, tt := range tests {
		got := strings.TrimSpace(show(Command(tt.shell, 1), nil))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", tt.shell, diff)
		}
	}
}

func TestCommandCountsFromItsLine(t *testing.T) {
	got := Command("x\npip install openai", 40)
	if len(got) != 1 || got[0].Line != 41 {
		t.Errorf("%+v", got)
	}
}
