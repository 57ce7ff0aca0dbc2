/**
 * `deno task docs`: writes docs/openapi.json, the routes of all functions in one OpenAPI document.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type OpenApiDocument, openApiDocument } from "../supabase/functions/_shared/http/openapi.ts";
import type { EdgeFunction } from "../supabase/functions/_shared/http/create_function.ts";

const functionsFolder = new URL("../supabase/functions/", import.meta.url);
const target = fileURLToPath(new URL("../docs/openapi.json", import.meta.url));

/** Every function, as its index.ts exports it, by name. Nothing is registered anywhere: a folder is enough. */
export async function loadFunctions(): Promise<EdgeFunction[]> {
  // Reading routes reaches nothing, but no function is made without its environment.
  if (!Deno.env.has("SUPABASE_URL")) Deno.env.set("SUPABASE_URL", "http://127.0.0.1:1");
  if (!Deno.env.has("SUPABASE_SECRET_KEYS")) Deno.env.set("SUPABASE_SECRET_KEYS", `{"default":"none"}`);
  const names = [...Deno.readDirSync(functionsFolder)]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("_")).map((entry) => entry.name).sort();
  return await Promise.all(names.map(async (name) => {
    const loaded = await import(new URL(`${name}/index.ts`, functionsFolder).href) as {
      default: EdgeFunction;
    };
    return loaded.default;
  }));
}

/** The document of all functions, for any project. */
export async function mergedDocument(): Promise<OpenApiDocument> {
  return openApiDocument(await loadFunctions(), {
    title: "Interlock",
    servers: [{
      url: "{project}/functions/v1",
      variables: {
        project: {
          default: "http://127.0.0.1:54321",
          description: "The project, https://<ref>.supabase.co; by default the local stack.",
        },
      },
    }],
  });
}

/** The document that is kept. */
export async function readDocument(): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(target));
}

if (import.meta.main) {
  await Deno.writeTextFile(target, JSON.stringify(await mergedDocument(), null, 2));
  const formatted = await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", target] }).output();
  Deno.exit(formatted.code);
}
