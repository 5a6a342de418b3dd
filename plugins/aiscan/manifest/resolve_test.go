package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// TestResolve reads the files of one build and puts names in the place of aliases.
func TestResolve(t *testing.T) {
	files := map[string][]fact.Fact{}
	for path, text := range map[string]string{
		"gradle/libs.versions.toml":           "[libraries]\nopenai-java = \"com.openai:openai-java:1.0\"\nlc = \"dev.langchain4j:langchain4j:0.3\"\n[bundles]\nai = [\"openai-java\", \"lc\"]\n",
		"other/gradle/libs.versions.toml":     "[libraries]\nopenai-java = \"com.fork:openai-java:2.0\"\n",
		"app/build.gradle.kts":                "dependencies {\n  implementation(libs.openai.java)\n  testImplementation(libs.bundles.ai)\n  implementation(libs.nobody)\n  implementation(Deps.claude)\n}\n",
		"other/app/build.gradle":              "dependencies {\n  implementation libs.openai.java\n}\n",
		"buildSrc/src/main/kotlin/Deps.kt":    "object Deps {\n  val claude = \"com.anthropic:anthropic-java:1\"\n}\n",
		"Cargo.toml":                          "[workspace.dependencies]\noai = { package = \"async-openai\", version = \"0.21\" }\n",
		"crates/a/Cargo.toml":                 "[dependencies]\noai = { workspace = true, optional = true }\n",
		"elsewhere/only/one/requirements.txt": "openai\n",
	} {
		facts, err := For(path).Read(path, []byte(text))
		if err != nil {
			t.Fatal(path, err)
		}
		files[path] = facts
	}
	Resolve(files)
	for path, want := range map[string]string{
		"app/build.gradle.kts": "2 maven com.openai:openai-java 1.0\n" +
			"3 maven com.openai:openai-java 1.0 [development]\n3 maven dev.langchain4j:langchain4j 0.3 [development]\n" +
			"4 maven nobody [templated] alias=libs.nobody\n5 maven com.anthropic:anthropic-java 1\n",
		"other/app/build.gradle":              "2 maven com.fork:openai-java 2.0\n",
		"crates/a/Cargo.toml":                 "2 cargo async-openai 0.21 [optional]\n",
		"elsewhere/only/one/requirements.txt": "1 pypi openai\n",
	} {
		if diff := cmp.Diff(want, show(files[path], nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
