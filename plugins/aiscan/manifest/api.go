package manifest

import "github.com/exhibit-aims/exhibit/plugins/aiscan/fact"

// Command reads a command line or a small script of a shell, whose first line
// is the given one, and returns the packages that it installs: pip, pipx, uv,
// poetry, conda, npm, yarn, pnpm, bun, npx, go, cargo, gem, dotnet, composer and
// their like. Packages of operating systems are not among them. Lines of a
// continued command are counted, so that each fact has its own.
func Command(shell string, line int) []fact.Fact {
	return command(shell, line)
}

// Script reads the head of a source file that says what the file depends on:
// the block "# /// script" of Python, the lines "#:package" of C# and "#r nuget:" of its scripts,
// the lines "#!" of others. A file that has none costs a look at its first bytes.
func Script(path string, data []byte) ([]fact.Fact, error) {
	return script(path, data)
}

// Resolve puts names where a file only has an alias that another file of the
// same tree explains: libs.openai of a Gradle build, a workspace's renamed crate. The map is facts by
// path; it is changed in place. Aliases that no file explains stay templated.
func Resolve(files map[string][]fact.Fact) { resolve(files) }
