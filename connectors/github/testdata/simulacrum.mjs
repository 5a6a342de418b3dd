// Starts a GitHub that others imitate, with an organisation of 22 repositories.
// Arguments: the port, and the folder of the installed packages.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [port, modules] = process.argv.slice(2);
const { simulation } = await import(pathToFileURL(join(modules, "@simulacrum", "github-api-simulator", "dist", "index.mjs")));

// GitHub's own description of its Enterprise Cloud API names three documents
// that it does not contain.
const dangling = /"\$ref":\s*"server-statistics-[a-z-]+\.yaml"/g;
const spec = readFileSync(join(modules, "@octokit", "openapi", "generated", "ghec.json"), "utf8").replace(dangling, '"type": "object"');
writeFileSync("ghec.json", spec);

const day = "2026-03-01T12:00:00Z";
const repositories = Array.from({ length: 22 }, (_, i) => ({
  owner: "acme", name: `r${i}`, visibility: "private", private: true, pushed_at: day, created_at: day, updated_at: day,
}));
simulation({
  apiSchema: join(process.cwd(), "ghec.json"),
  initialState: {
    users: [{ login: "auditor", organizations: ["acme"], created_at: day }],
    organizations: [{ login: "acme", created_at: day }],
    repositories,
    branches: [{ name: "main" }],
    blobs: [],
  },
}).listen(Number(port), "127.0.0.1");
